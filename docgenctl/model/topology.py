"""Who shares a network with whom, ready to be drawn."""

from dataclasses import dataclass

#: The two ends that are no services.
HOST, OUTSIDE = "host", "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One network: a line to everybody on it. `ends` are services, HOST and OUTSIDE where it leads there."""

    network: str
    closed: bool
    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A stack as rows of services from the host to the outside, and the lines between them.

    `ports` says what this machine's ports lead to, one word group each; `allowed` what the way out opens;
    without `isolates` there is no way in or out that is not open.
    """

    project: str
    address: str
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[Line, ...]
    ports: tuple[str, ...]
    allowed: tuple[str, ...]
    isolates: bool = True

    @property
    def edges(self) -> frozenset[tuple[str, str]]:
        """Every (end, network)."""
        return frozenset((end, line.network) for line in self.lines for end in line.ends)

    def row_of(self, end: str) -> int:
        """Where an end is drawn: HOST above the first row, OUTSIDE below the last."""
        if end == HOST:
            return -1
        found = [index for index, row in enumerate(self.rows) if end in row]
        return found[0] if found else len(self.rows)
