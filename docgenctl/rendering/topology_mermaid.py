"""A topology as a Mermaid flowchart, for Markdown that is shown where Mermaid is drawn.

Every network is a node of its own, so that a network of three is one thing and not three lines.
"""

import re

from docgenctl.model.topology import HOST, OUTSIDE, Topology
from docgenctl.rendering.topology_text import host_words, outside_words


def topology_mermaid(topology: Topology) -> str:
    """The flowchart; quoted so that no name can end its own text."""
    lines = ["flowchart TB"]
    ends = {end for line in topology.lines for end in line.ends}
    if HOST in ends:
        ports = "<br/>".join([host_words(topology), *topology.ports])
        lines.append(f"    {_id(HOST)}([{_quoted(ports)}])")
    lines += [f"    {_id(name)}[{_quoted(name)}]" for row in topology.rows for name in row]
    if OUTSIDE in ends:
        lines.append(f"    {_id(OUTSIDE)}([{_quoted(outside_words(topology))}])")
    for line in topology.lines:
        shape = ("[[", "]]") if line.closed else ("{{", "}}")
        lines.append(f"    {_id(line.network)}{shape[0]}{_quoted(line.network)}{shape[1]}")
        by_row = sorted(line.ends, key=topology.row_of)
        lines += [f"    {_id(end)} --- {_id(line.network)}" for end in by_row[:1]]
        lines += [f"    {_id(line.network)} --- {_id(end)}" for end in by_row[1:]]
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", name)


def _quoted(text: str) -> str:
    safe = text.replace("&", "#amp;").replace('"', "#quot;")
    return f'"{safe}"'
