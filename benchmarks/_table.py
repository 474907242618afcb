"""How `forwarding.py` prints what it measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from _fronts import IN_IMAGE, OURS
from _measuring import Figures

_HEAD = (
    f"{'':<17}{'one caller':>20}{'32 callers':>52}\n"
    f"{'front':<17}{'p50 µs':>9}{'added':>11}{'calls/s':>12}{'÷ direct':>10}{'÷ nginx':>10}"
    f"{'p99 µs':>11}{'CPU µs':>9}{'list ms':>10}{'first byte':>12}{'added':>9}"
)


#: Figure of ours, what it is divided by, how it is said, what was promised.
_CLAIMS = (
    ("rate_to_nginx", 1, "{:.2f} times nginx's calls a second", "at least 0.7"),
    ("added_us", 1, "{:.0f} µs added at the median", "at most 75"),
    ("list_us", 1000, "listed in {:.2f} ms", "at most 1"),
    ("first_byte_added_us", 1000, "first streamed byte {:.2f} ms after direct", "at most 1"),
)


@dataclass(frozen=True)
class Section:
    """One backend, and all fronts before it."""

    wire: str
    tools: int
    figures: Sequence[Figures]

    def named(self, front: str) -> Figures | None:
        """The figures of a front, if it was measured."""
        return next((it for it in self.figures if it.front == front), None)


def print_section(section: Section) -> None:
    """A line for each front."""
    print(f"\n{section.wire}, {section.tools:,} tools")
    print(_HEAD)
    for figures in section.figures:
        print(_line(figures, section))
    own = [figures.median("own_us") or 0.0 for figures in section.figures]
    print(f"the load generator's own CPU: {min(own):.0f}-{max(own):.0f} µs a call")


def as_json(section: Section) -> dict[str, Any]:
    """All of it, each round too; times in µs, rates in calls a second."""
    return {
        "wire": section.wire,
        "tools": section.tools,
        "fronts": [_front_as_json(figures, section) for figures in section.figures],
    }


def print_claims(plain: Sequence[dict[str, Any]], pss_mib: dict[str, float]) -> None:
    """What was promised of ours, beside what was seen."""
    names = {front["front"] for section in plain for front in section["fronts"]}
    ours = IN_IMAGE if IN_IMAGE in names else OURS
    print(f"\n{ours}:")
    for section in plain:
        fronts = {front["front"]: front for front in section["fronts"]}
        if ours in fronts:
            _print_claims(section["tools"], fronts[ours], fronts.get("nginx", {}))
    if pss_mib:
        seen = ", ".join(f"{mib:.1f} after {int(calls):,}" for calls, mib in pss_mib.items())
        print(f"PSS of ours in MiB: {seen} calls   (claim: at most 80, and flat)")


def _print_claims(tools: int, ours: dict[str, Any], nginx: dict[str, Any]) -> None:
    for name, divisor, words, claim in _CLAIMS:
        if ours[name] is not None:
            beside = nginx.get(name) if name.endswith("_us") else None
            there = "" if beside is None else f"; nginx: {beside / divisor:.{0 if divisor == 1 else 2}f}"
            print(f"{tools:>5,} tools: {words.format(ours[name] / divisor):<46} (claim: {claim}{there})")


def _front_as_json(figures: Figures, section: Section) -> dict[str, Any]:
    direct, nginx = section.named("direct"), section.named("nginx")
    names = ("alone_us", "rate", "p99_us", "cpu_us", "list_us", "first_byte_us")
    return {
        "front": figures.front,
        **{name: figures.median(name) for name in names},
        "rate_to_direct": figures.ratio("rate", direct) if direct else None,
        "rate_to_nginx": figures.ratio("rate", nginx) if nginx else None,
        "added_us": figures.added("alone_us", direct) if direct else None,
        "first_byte_added_us": figures.added("first_byte_us", direct) if direct else None,
        "rounds": [asdict(seen) for seen in figures.rounds],
    }


def _line(figures: Figures, section: Section) -> str:
    direct, nginx = section.named("direct"), section.named("nginx")
    cells = [
        (9, 0, figures.median("alone_us")),
        (11, 0, figures.added("alone_us", direct) if direct else None),
        (12, 0, figures.median("rate")),
        (10, 4, figures.ratio("rate", direct) if direct else None),
        (10, 4, figures.ratio("rate", nginx) if nginx else None),
        (11, 0, figures.median("p99_us")),
        (9, 0, None if figures.front == "direct" else figures.median("cpu_us")),
        (10, 2, _scaled(figures.median("list_us"))),
        (12, 0, figures.median("first_byte_us")),
        (9, 0, figures.added("first_byte_us", direct) if direct else None),
    ]
    return f"{figures.front:<17}" + "".join(_cell(*cell) for cell in cells)


def _cell(width: int, digits: int, value: float | None) -> str:
    if value is None:
        return f"{'-':>{width}}"
    if digits == 4:  # a ratio: two places that mean something, however small it is
        return f"{value:>{width}.2f}" if value >= 0.1 else f"{value:>{width}.2g}"
    return f"{value:>{width},.{digits}f}"


def _scaled(value: float | None) -> float | None:
    return None if value is None else value / 1000
