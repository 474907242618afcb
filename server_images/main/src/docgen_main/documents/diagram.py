"""A Mermaid diagram of the components."""

import re

from docgen_main.facts.model import Edge

_NODES = 30


def component_diagram(components: list[str], edges: tuple[Edge, ...]) -> str:
    """A flowchart of `components` and the imports between them, or "" when nothing imports anything.

    With too many components to draw, those with the same first names are drawn as one.
    """
    depth = max((_depth(name) for name in components), default=0)
    names = {name: name for name in components}
    while len(set(names.values())) > _NODES and depth > 1:
        depth -= 1
        names = {name: _shortened(name, depth) for name in components}
    pairs = sorted({(names[e.source], names[e.target]) for e in edges if names[e.source] != names[e.target]})
    if not pairs:
        return ""
    drawn = sorted({name for pair in pairs for name in pair})
    ids = {name: f"n{number}" for number, name in enumerate(drawn)}
    lines = ["flowchart TD"]
    lines += [f'    {ids[name]}["{_label(name)}"]' for name in drawn]
    lines += [f"    {ids[source]} --> {ids[target]}" for source, target in pairs]
    return "\n".join(lines)


def _depth(name: str) -> int:
    return len(re.split(r"[./]", name))


def _shortened(name: str, depth: int) -> str:
    pieces = re.split(r"([./])", name)
    return "".join(pieces[: depth * 2 - 1])


def _label(name: str) -> str:
    """`name` for a quoted Mermaid label, where only a few characters have a meaning."""
    return re.sub(r"[^\w ./@:-]", lambda found: f"#{ord(found[0])};", name)
