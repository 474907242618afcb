"""A topology for a terminal: boxes and lines where they fit, a list where they do not."""

import textwrap

from docgenctl.model.topology import HOST, OUTSIDE, Line, Topology
from docgenctl.rendering.topology_grid import Grid, lay_out

_NARROW = 40
_OPEN, _CLOSED = "│", "║"
_LEGEND = f"{_CLOSED} closed network: no way to this machine or beyond   {_OPEN} open network"
_ASCII = str.maketrans({**dict.fromkeys("┌┐└┘┬┴", "+"), "─": "-", "│": "|", "║": "#", "·": "-", "…": "..."})
_MARGIN = 4
#: Of an allowlist, in characters.
_LONGEST = 60


def topology_text(topology: Topology, *, width: int) -> str:
    """The picture in at most `width` columns, or the list when it needs more or there is no room for any."""
    grid = lay_out(topology)
    if grid is not None and width >= _NARROW:
        column = _column_width(topology, grid)
        if _needed(topology, grid, column) <= width:
            return _picture(topology, grid, column, width)
    return _list(topology, width)


def in_ascii(text: str) -> str:
    """The same picture for a stream that has nothing but ASCII: `#` is a closed network, `|` an open one."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def outside_words(topology: Topology) -> str:
    """What the way out leads to; a long allowlist is cut short."""
    if not topology.isolates:
        return "outside: everything; nothing is isolated without containers"
    allowed = [words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…" for words in topology.allowed[:3]]
    more = [f"{len(topology.allowed) - 3} more servers"] if len(topology.allowed) > 3 else []
    return f"outside: {'; '.join([*allowed, *more])}" if allowed else "outside: no host is allowed"


def host_words(topology: Topology) -> str:
    """How the first line calls this machine."""
    return f"this machine, {topology.address}" if topology.address else "this machine"


def _column_width(topology: Topology, grid: Grid) -> int:
    """Wide enough for every name of a box, and for names of networks that have a neighbour to the right."""
    needed = [-(-(len(name) + 6) // (last - first + 1)) for name, (first, last) in grid.boxes.items()]
    segments = grid.segments(topology)
    for gap, network in segments:
        right = [
            grid.column[other] - grid.column[network]
            for other_gap, other in segments
            if other_gap == gap and grid.column[other] > grid.column[network]
        ]
        if right:
            needed.append(-(-(len(network) + 4) // min(right)))
    return max([_MARGIN + 4, *needed])


def _needed(topology: Topology, grid: Grid, column: int) -> int:
    names = (grid.column[line.network] * column + _MARGIN + 2 + len(line.network) for line in topology.lines)
    return max([column * grid.columns - 2, *names])


def _picture(topology: Topology, grid: Grid, column: int, width: int) -> str:
    ends = {line.network: line for line in topology.lines}
    gaps: dict[int, list[Line]] = {}
    for gap, network in grid.segments(topology):
        gaps.setdefault(gap, []).append(ends[network])
    lines: list[str] = []
    if 0 in gaps:
        lines += [f"  {host_words(topology)}", *_ports(topology, width)]
    for index, row in enumerate(topology.rows):
        lines += _gap(gaps.get(index, []), grid, column)
        lines += _boxes(row, gaps.get(index, []), gaps.get(index + 1, []), grid, column)
    below = gaps.get(len(topology.rows), [])
    lines += _gap(below, grid, column)
    if below:
        lines += _wrapped(outside_words(topology), width, "  ")
    return "\n".join([*lines, "", *_wrapped(_LEGEND, width, "")]) + "\n"


def _ports(topology: Topology, width: int) -> list[str]:
    return _wrapped(" · ".join(port.replace(" ", "\u00a0") for port in topology.ports), width, "  ")


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    wrapped = textwrap.wrap(
        text,
        max(10, width),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in wrapped]


def _gap(lines: list[Line], grid: Grid, column: int) -> list[str]:
    text = ""
    for line in sorted(lines, key=lambda line: grid.column[line.network]):
        text = text.ljust(grid.column[line.network] * column + _MARGIN)
        text += f"{_CLOSED if line.closed else _OPEN} {line.network}"
    return [text] if lines else []


def _boxes(
    row: tuple[str, ...], above: list[Line], below: list[Line], grid: Grid, column: int
) -> tuple[str, str, str]:
    top, middle, bottom = "", "", ""
    for name in sorted(row, key=lambda name: grid.boxes[name]):
        first, last = grid.boxes[name]
        inner = (last - first + 1) * column - 4
        top = top.ljust(first * column) + f"┌{_edge(name, above, first, inner, grid, column, '┴')}┐"
        middle = middle.ljust(first * column) + f"│ {name.ljust(inner - 1)}│"
        bottom = bottom.ljust(first * column) + f"└{_edge(name, below, first, inner, grid, column, '┬')}┘"
    return top, middle, bottom


def _edge(name: str, lines: list[Line], first: int, inner: int, grid: Grid, column: int, joint: str) -> str:
    edge = ["─"] * inner
    for line in lines:
        if name in line.ends:
            edge[(grid.column[line.network] - first) * column + _MARGIN - 1] = joint
    return "".join(edge)


def _list(topology: Topology, width: int) -> str:
    """Every service with the networks it is on, and who else is."""
    others = {line.network: line for line in topology.lines}
    lines = [*_wrapped(host_words(topology), width, "")]
    for port in topology.ports:
        lines += _wrapped(port, width, "  ")
    for row in topology.rows:
        for name in row:
            lines += ["", *_wrapped(name, width, "")]
            for line in others.values():
                if name in line.ends:
                    lines += _wrapped(_on(name, line), width, "  ")
    return "\n".join([*lines, "", *_wrapped(outside_words(topology), width, "")]) + "\n"


def _on(name: str, line: Line) -> str:
    others = ", ".join(end for end in line.ends if end not in (name, HOST, OUTSIDE))
    ways = [word for end, word in ((HOST, "published ports"), (OUTSIDE, "the way out")) if end in line.ends]
    kind = "closed" if line.closed else "open"
    return f"{line.network} ({kind}): {', '.join([*([others] if others else []), *ways]) or 'alone'}"
