"""A topology as one SVG file: no scripts, nothing loaded, light and dark by the reader's choice.

Where the parts stand is the grid's business; where there is no grid, the list is set as text. Every line
carries the name of its network and the ends it joins as `data-` attributes, for readers that are programs.
"""

from html import escape
from itertools import pairwise

from docgenctl.model.topology import Line, Topology
from docgenctl.rendering.topology_grid import Grid, lay_out
from docgenctl.rendering.topology_text import host_words, outside_words, topology_text

_NARROWEST, _EDGE, _BOX, _GAP, _MARGIN = 210, 24, 46, 58, 28
_ANCHOR = 34
_STYLE = """
  svg { color-scheme: light dark; }
  text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1c2733; }
  .title { font-size: 17px; font-weight: 600; }
  .name { font-weight: 600; }
  .ports { font-size: 13.5px; }
  .quiet, .label { fill: #5b6b7b; font-size: 12.5px; }
  .paper { fill: #ffffff; }
  .box { fill: #f3f6f9; stroke: #b9c6d3; stroke-width: 1.2; }
  .end { fill: none; stroke: #b9c6d3; stroke-width: 1.2; stroke-dasharray: 3 4; }
  .line { stroke-width: 3; stroke-linecap: round; }
  .closed { stroke: #3b6fb6; }
  .open { stroke: #d08a1d; stroke-dasharray: 7 6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4ebf2; }
    .quiet, .label { fill: #9fb0c1; }
    .paper { fill: #12181f; }
    .box { fill: #1d2731; stroke: #43546a; }
    .end { stroke: #43546a; }
    .closed { stroke: #7fb0ff; }
    .open { stroke: #f2b84b; }
  }
"""


def topology_svg(topology: Topology) -> str:
    """The picture of a topology, or its list as text where there is no picture."""
    grid = lay_out(topology)
    return _picture(topology, grid) if grid is not None else _text(topology)


def _picture(topology: Topology, grid: Grid) -> str:
    words = [host_words(topology), outside_words(topology), _ports(topology)]
    inner = max(grid.columns * _NARROWEST, 36 + 8 * max(map(len, words)))
    column = (inner + _EDGE) // grid.columns
    inner = column * grid.columns - _EDGE
    width = inner + 2 * _MARGIN
    parts = [_label(_MARGIN, 34, "title", f"{topology.project}: who is connected with whom")]
    top = {-1: 54}
    for index in range(len(topology.rows) + 1):
        top[index] = top[index - 1] + (_BOX + 14 if index == 0 else _BOX) + _GAP
    parts += _end(top[-1], inner, _BOX + 14, host_words(topology), _ports(topology))
    for line in topology.lines:
        parts += _lines(line, topology, grid.column[line.network] * column, top)
    for row in topology.rows:
        for name in row:
            parts += _box(name, grid, top[topology.row_of(name)], column)
    parts += _end(top[len(topology.rows)], inner, _BOX, outside_words(topology), "")
    height = top[len(topology.rows)] + _BOX + 44
    parts += _legend(height - 20)
    return _document(topology, width, height, parts)


def _lines(line: Line, topology: Topology, left: int, top: dict[int, int]) -> list[str]:
    """One stroke for every gap that the line crosses, with the network's name beside it."""
    x = _MARGIN + left + _ANCHOR
    by_row = {topology.row_of(end): end for end in line.ends}
    rows = sorted(by_row)
    kind = "closed" if line.closed else "open"
    parts = []
    for above, below in pairwise(rows):
        begin = top[above] + (_BOX + 14 if above == -1 else _BOX)
        parts.append(
            f'<line class="line {kind}" x1="{x}" y1="{begin + 2}" x2="{x}" y2="{top[below] - 2}" '
            f'data-network="{escape(line.network)}" data-from="{escape(by_row[above])}" '
            f'data-to="{escape(by_row[below])}"/>'
        )
        parts.append(_label(x + 12, (begin + top[below]) // 2 + 4, "label", line.network))
    return parts


def _box(name: str, grid: Grid, y: int, column: int) -> list[str]:
    first, last = grid.boxes[name]
    x, width = _MARGIN + first * column, (last - first + 1) * column - _EDGE
    return [
        f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="9"/>',
        _label(x + 18, y + _BOX // 2 + 5, "name", name),
    ]


def _end(y: int, width: int, height: int, words: str, more: str) -> list[str]:
    parts = [f'<rect class="end" x="{_MARGIN}" y="{y}" width="{width}" height="{height}" rx="9"/>']
    parts.append(_label(_MARGIN + 18, y + (24 if more else height // 2 + 5), "quiet", words))
    return [*parts, _label(_MARGIN + 18, y + 44, "ports", more)] if more else parts


def _legend(y: int) -> list[str]:
    return [
        f'<line class="line closed" x1="{_MARGIN}" y1="{y - 4}" x2="{_MARGIN + 30}" y2="{y - 4}"/>',
        _label(_MARGIN + 40, y, "quiet", "closed network"),
        f'<line class="line open" x1="{_MARGIN + 160}" y1="{y - 4}" x2="{_MARGIN + 190}" y2="{y - 4}"/>',
        _label(_MARGIN + 200, y, "quiet", "open network"),
    ]


def _ports(topology: Topology) -> str:
    return " · ".join(topology.ports)


def _label(x: int, y: int, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _text(topology: Topology) -> str:
    lines = topology_text(topology, width=20 * 5).splitlines()
    parts = [_label(_MARGIN, _MARGIN + 22 * index, "label", line) for index, line in enumerate(lines, 1)]
    return _document(topology, 2 * _MARGIN + 760, 2 * _MARGIN + 22 * len(lines), parts)


def _document(topology: Topology, width: int, height: int, parts: list[str]) -> str:
    told = "; ".join(
        f"{line.network} ({'closed' if line.closed else 'open'}) joins {', '.join(line.ends)}"
        for line in topology.lines
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<title id="title">Topology of {escape(topology.project)}</title>\n'
        f'<desc id="desc">{escape(told)}.</desc>\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}"/>\n'
        f"{body}\n</svg>\n"
    )
