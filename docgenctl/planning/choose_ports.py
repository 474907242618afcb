"""Which host port each published purpose gets."""

from collections.abc import Callable, Iterator, Mapping

from docgenctl.model.errors import PortTakenError
from docgenctl.model.ports import PortSubstitution
from docgenctl.model.setting_values import PortRange


def choose_ports(
    wanted: Mapping[str, PortRange],
    remembered: Mapping[str, int],
    is_free: Callable[[int], bool],
) -> dict[str, int]:
    """One port for each purpose: the remembered one if it still fits and is free, else the first free one.

    `is_free` answers True for ports that our own running stack holds. Fixed ports are chosen first, so
    that a range never takes them away. No port is given twice. Raises PortTakenError naming every
    purpose that got none, and its range; `error.tried` holds the ranges by purpose.
    """
    chosen: dict[str, int] = {}
    given: set[int] = set()
    missing: list[str] = []
    for purpose in sorted(wanted, key=lambda name: (not wanted[name].fixed, name)):
        candidates = _candidates(wanted[purpose], remembered.get(purpose))
        port = next((port for port in candidates if port not in given and is_free(port)), None)
        if port is None:
            missing.append(purpose)
        else:
            chosen[purpose] = port
            given.add(port)
    if missing:
        raise _exhausted({purpose: wanted[purpose] for purpose in sorted(missing)})
    return chosen


def find_substitutions(
    wanted: Mapping[str, PortRange], remembered: Mapping[str, int], chosen: Mapping[str, int]
) -> tuple[PortSubstitution, ...]:
    """The purposes that got another port than they would have on an idle machine, by purpose."""
    owners = {port: purpose for purpose, port in chosen.items()}
    found = []
    for purpose, port in sorted(chosen.items()):
        first = next(_candidates(wanted[purpose], remembered.get(purpose)))
        if port != first:
            found.append(
                PortSubstitution(
                    purpose=purpose,
                    port=port,
                    instead_of=first,
                    remembered=remembered.get(purpose) == first,
                    beside=owners.get(first, ""),
                )
            )
    return tuple(found)


def _candidates(range_: PortRange, remembered: int | None) -> Iterator[int]:
    """The remembered port if it is in the range, then the range from its beginning."""
    if remembered is not None and range_.first <= remembered <= range_.last:
        yield remembered
    yield from (port for port in range(range_.first, range_.last + 1) if port != remembered)


def _exhausted(missing: Mapping[str, PortRange]) -> PortTakenError:
    places = ", ".join(f"{purpose} ({range_})" for purpose, range_ in missing.items())
    error = PortTakenError(
        f"no free port for {places}",
        host_port=next(iter(missing.values())).first,
        hint="stop what holds them, or give another port or range in docgen.yaml",
    )
    error.tried = {purpose: (range_.first, range_.last) for purpose, range_ in missing.items()}
    return error
