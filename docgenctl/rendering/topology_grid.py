"""Where the parts of a topology's picture stand: shared by the terminal's drawing and the SVG.

Every network has one column, and is drawn as a line down that column from its first end to its last, through
the boxes of the ends between them. A row with several boxes gives each of them the columns of its networks;
a row with one box spans all columns. What does not fit this shape (two ends of one network side by side, or
a line that would cross a box that is not on it) has no grid, and is told as a list.
"""

from dataclasses import dataclass

from docgenctl.model.topology import HOST, OUTSIDE, Line, Topology


@dataclass(frozen=True, slots=True)
class Grid:
    """Column of each network, and first and last column of each box; columns count from 0."""

    columns: int
    column: dict[str, int]
    boxes: dict[str, tuple[int, int]]

    def segments(self, topology: Topology) -> list[tuple[int, str]]:
        """(gap, network) of every piece of line; gap 0 lies above the first row."""
        found = []
        for line in topology.lines:
            rows = sorted({topology.row_of(end) for end in line.ends})
            if len(rows) > 1:
                found += [(gap, line.network) for gap in range(rows[0] + 1, rows[-1] + 1)]
        return found


def lay_out(topology: Topology) -> Grid | None:
    """The grid of a topology, None where there is none."""
    wide = max(topology.rows, key=len, default=())
    column: dict[str, int] = {}
    boxes: dict[str, tuple[int, int]] = {}
    used = 0
    for name in wide if len(wide) > 1 else ():
        own = [line.network for line in topology.lines if name in line.ends]
        for network in own:
            if network in column:
                return None  # two boxes of the row share it
            column[network] = used + own.index(network)
        boxes[name] = (used, used + max(1, len(own)) - 1)
        used = boxes[name][1] + 1
    for line in topology.lines:
        if line.network not in column:
            column[line.network] = _free(line, topology, column)
    columns = max([used, *(place + 1 for place in column.values())], default=1)
    for row in topology.rows:
        if len(row) == 1:
            boxes[row[0]] = (0, columns - 1)
        elif row is not wide:
            return None
    grid = Grid(columns, column, boxes)
    return grid if _is_true(topology, grid) else None


def _free(line: Line, topology: Topology, column: dict[str, int]) -> int:
    """The first column in which no line of the same gap runs."""
    mine = _gaps(line, topology)
    place = 0
    while any(
        column.get(other.network) == place and mine & _gaps(other, topology) for other in topology.lines
    ):
        place += 1
    return place


def _gaps(line: Line, topology: Topology) -> set[int]:
    rows = [topology.row_of(end) for end in line.ends]
    return set(range(min(rows) + 1, max(rows) + 1)) if rows else set()


def _is_true(topology: Topology, grid: Grid) -> bool:
    """Whether each line touches exactly its ends: every row it passes has a box of its own under it."""
    for line in topology.lines:
        rows = sorted(topology.row_of(end) for end in line.ends)
        if len(rows) != len(set(rows)) or len(rows) < 2:
            return False
        if set(range(rows[0], rows[-1] + 1)) != set(rows):
            return False
        for end in set(line.ends) - {HOST, OUTSIDE}:
            first, last = grid.boxes[end]
            if not first <= grid.column[line.network] <= last:
                return False
    return True
