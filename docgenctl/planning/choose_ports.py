"""Which host port each published purpose gets."""

from collections.abc import Callable, Mapping

from docgenctl.model.errors import PortTakenError
from docgenctl.model.settings import PortRange


def choose_ports(
    wanted: Mapping[str, PortRange],
    remembered: Mapping[str, int],
    is_free: Callable[[int], bool],
) -> dict[str, int]:
    """One port for each purpose: the remembered one if it still fits and is free, else the first free one.

    `is_free` answers True for ports that our own running stack holds. Fixed ports are chosen first, so
    that a range never takes them away. No port is given twice. Raises PortTakenError naming every
    purpose that got none, and its range.
    """
    chosen: dict[str, int] = {}
    missing: list[str] = []
    for purpose in sorted(wanted, key=lambda name: (not wanted[name].fixed, name)):
        port = _choose(wanted[purpose], remembered.get(purpose), set(chosen.values()), is_free)
        if port is None:
            missing.append(purpose)
        else:
            chosen[purpose] = port
    if missing:
        places = ", ".join(f"{purpose} ({wanted[purpose]})" for purpose in sorted(missing))
        raise PortTakenError(
            f"no free port for {places}",
            host_port=wanted[sorted(missing)[0]].first,
            hint="stop what holds them, or give another port or range in docgen.yaml",
        )
    return chosen


def _choose(
    range_: PortRange, remembered: int | None, given: set[int], is_free: Callable[[int], bool]
) -> int | None:
    candidates = list(range(range_.first, range_.last + 1))
    if remembered in candidates:
        candidates.remove(remembered)
        candidates.insert(0, remembered)
    return next((port for port in candidates if port not in given and is_free(port)), None)
