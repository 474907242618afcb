"""Which parts a project has and which part uses which, from what its modules really import."""

from collections import Counter
from collections.abc import Iterable

from docgen_main.facts.model import Edge, Module


def edges_between(modules: Iterable[Module], prefixes: Iterable[str] = ()) -> tuple[Edge, ...]:
    """Imports that cross components, tests left out; `prefixes` are Go module names that stand for the root.

    An import counts for the module whose name is its longest known prefix.
    """
    own = [module for module in modules if not module.test]
    known = _known(own)
    counted: Counter[tuple[str, str]] = Counter()
    for module in own:
        targets = {_resolve(wanted, known, prefixes) for wanted in module.imports}
        for target in targets - {None, module.component}:
            counted[(module.component, str(target))] += 1
    return tuple(Edge(source, target, count) for (source, target), count in sorted(counted.items()))


def _known(modules: list[Module]) -> dict[str, str]:
    """Every name by which a module may be imported → its component."""
    known: dict[str, str] = {}
    for module in modules:
        known.setdefault(module.name, module.component)
        if module.language in ("JavaScript", "TypeScript"):
            stem = module.path.rsplit(".", 1)[0]
            for name in (module.path, stem, stem.removesuffix("/index"), stem + ".js"):
                known.setdefault(name, module.component)
        elif module.language == "Rust":
            known.setdefault("crate::" + _rust_name(module.path), module.component)
    return known


def _rust_name(path: str) -> str:
    parts = path.rsplit(".", 1)[0].split("/")
    below = parts[parts.index("src") + 1 :] if "src" in parts else parts
    return below[0] if below else ""


def _resolve(wanted: str, known: dict[str, str], prefixes: Iterable[str]) -> str | None:
    if wanted in known:
        return known[wanted]
    for prefix in prefixes:
        if wanted.startswith(prefix + "/"):
            return known.get(wanted[len(prefix) + 1 :])
    name = wanted
    while "." in name and "/" not in name:
        name = name.rpartition(".")[0]
        if name in known:
            return known[name]
    return None
