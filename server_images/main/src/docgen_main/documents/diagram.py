"""A Mermaid diagram of the components, drawn so that it can be read."""

import re

from docgen_main.facts.model import Edge

_NODES = 30
_EDGES_TO_SHOW_ALL = 12
# Widths in pixels: a letter, what Mermaid leaves around a name, and a rank that is still legible in a column.
_LETTER, _GAP, _WIDEST = 8, 80, 1100

Pairs = set[tuple[str, str]]


def component_diagram(components: list[str], edges: tuple[Edge, ...]) -> str:
    """A flowchart of `components` and the imports between them, or "" when nothing imports anything.

    With too many components to draw, those of one parent are drawn as one. With many arrows, an arrow is left
    out where a path of others leads to the same component.
    """
    names = _merged(components)
    pairs = {
        (names.get(e.source, e.source), names.get(e.target, e.target))
        for e in edges
        if names.get(e.source, e.source) != names.get(e.target, e.target)
    }
    if not pairs:
        return ""
    drawn = _users_first(pairs)
    if len(pairs) > _EDGES_TO_SHOW_ALL:
        pairs = reduced(pairs, drawn)
    common = _common(drawn)
    ids = {name: f"n{number}" for number, name in enumerate(drawn)}
    labels = {name: name.removeprefix(common) for name in drawn}
    lines = [f"flowchart {_direction(pairs, labels)}"]
    lines += [f'    {ids[name]}["{_label(label)}"]' for name, label in labels.items()]
    lines += [f"    {ids[source]} --> {ids[target]}" for source, target in sorted(pairs)]
    return "\n".join(lines)


def reduced(pairs: Pairs, order: list[str]) -> Pairs:
    """`pairs` without each whose end is reached by a path of the others, too; against `order` first."""
    place = {name: number for number, name in enumerate(order)}
    kept = set(pairs)
    for source, target in sorted(pairs, key=lambda pair: (place[pair[0]] < place[pair[1]], pair)):
        kept.discard((source, target))
        if target not in _reachable(source, kept):
            kept.add((source, target))
    return kept


def _users_first(pairs: Pairs) -> list[str]:
    """All names, users before what they use as far as circles allow, so that those are drawn from the top.

    Takes away what nobody uses, else what uses more than it is used. That a module uses the package around it
    says little about which is on top, and is not counted.
    """
    left = sorted({name for pair in pairs for name in pair})
    counted = {(user, used) for user, used in pairs if not re.match(re.escape(used) + "[./]", user)}
    circled = {used for _, used in pairs - counted}  # begun elsewhere, a circle through these is drawn askew
    ordered = []
    while left:
        balance = dict.fromkeys(left, 0)
        users = dict.fromkeys(left, 0)
        for user, used in counted:
            balance[user] -= 1
            balance[used] += 1
            users[used] += 1
        first = min(left, key=lambda name: (users[name] > 0, name not in circled, balance[name], name))
        ordered.append(first)
        left.remove(first)
        counted = {pair for pair in counted if first not in pair}
    return ordered


def _reachable(start: str, pairs: Pairs) -> set[str]:
    after: dict[str, list[str]] = {}
    for source, target in pairs:
        after.setdefault(source, []).append(target)
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in after.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def _direction(pairs: Pairs, labels: dict[str, str]) -> str:
    """Downwards, or from left to right where one rank would be too wide to be read."""
    ranks: dict[str, int] = dict.fromkeys(labels, 0)
    for _ in ranks:  # the longest path; circles end it
        for source, target in sorted(pairs):
            if ranks[target] <= ranks[source] < len(ranks) - 1 and source not in _reachable(target, pairs):
                ranks[target] = ranks[source] + 1
    widths: dict[int, int] = {}
    for name, rank in ranks.items():
        widths[rank] = widths.get(rank, 0) + len(labels[name]) * _LETTER + _GAP
    return "LR" if max(widths.values()) > _WIDEST else "TD"


def _merged(components: list[str]) -> dict[str, str]:
    """The name under which each is drawn: the deepest under that of their parent, small groups first."""
    names = {name: name for name in components}
    while len(drawn := set(names.values())) > _NODES:
        deepest = max(_depth(name) for name in drawn)
        if deepest < 2:
            break
        groups: dict[str, set[str]] = {}
        for name in drawn:
            if _depth(name) == deepest:
                groups.setdefault(_parent(name), set()).add(name)
        parent = min(groups, key=lambda name: (len(groups[name]), name))
        names = {name: parent if now in groups[parent] else now for name, now in names.items()}
    return names


def _common(names: list[str]) -> str:
    """The beginning that all names share, up to and with a separator."""
    first, last = min(names), max(names)
    length = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    shared = re.match(r".*[./]", first[:length])
    return shared[0] if shared and all(len(name) > len(shared[0]) for name in names) else ""


def _depth(name: str) -> int:
    return len(re.split(r"[./]", name))


def _parent(name: str) -> str:
    return re.split(r"[./][^./]*$", name)[0]


def _label(name: str) -> str:
    """`name` for a quoted Mermaid label, where only a few characters have a meaning."""
    return re.sub(r"[^\w ./@:-]", lambda found: f"#{ord(found[0])};", name)
