"""Names that JavaScript and TypeScript modules hand on from each other, followed to their declaration."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from docgen_main.facts.model import Module, Symbol

_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".d.ts", ".js", ".jsx", ".mjs", ".cjs")
_DEPTH = 12
_NAMES = 5_000


def follow(modules: Iterable[Module]) -> tuple[Module, ...]:
    """The same modules: `export … from` names the file it means, and `export *` is the names it stands for.

    What comes from other packages stays as it is written.
    """
    found = tuple(modules)
    known = {module.path: module for module in found if module.language in ("JavaScript", "TypeScript")}
    return tuple(_followed(module, known) if module.path in known else module for module in found)


def _followed(module: Module, known: dict[str, Module]) -> Module:
    if not any(symbol.kind == "re-export" for symbol in module.symbols):
        return module
    names: dict[str, Symbol] = {}
    for symbol in _names(module, known, (module.path,)):
        names.setdefault(symbol.name, symbol)
        if len(names) >= _NAMES:
            break
    return replace(module, symbols=tuple(names.values()))


def _names(module: Module, known: dict[str, Module], way: tuple[str, ...]) -> Iterator[Symbol]:
    """What `module` exports; `way` are the modules on the way here, so that a circle ends."""
    for symbol in module.symbols:
        target, name = _target(module, symbol, known)
        if target is None:
            yield symbol
        elif not symbol.name.startswith("* "):
            yield replace(symbol, origin=f"{target.path}#{name}")
        elif target.path not in way and len(way) < _DEPTH:
            for inner in _names(target, known, (*way, target.path)):
                if not _is_default(inner):  # which `export *` leaves out
                    origin = inner.origin if inner.kind == "re-export" else f"{target.path}#{inner.name}"
                    yield Symbol(inner.name, "re-export", inner.name, "", symbol.line, origin=origin)


def _is_default(symbol: Symbol) -> bool:
    return symbol.name == "default" or symbol.signature.startswith("export default ")


def _target(module: Module, symbol: Symbol, known: dict[str, Module]) -> tuple[Module | None, str]:
    if symbol.kind != "re-export":
        return None, ""
    written, _, name = symbol.origin.rpartition("#")
    if not written.startswith("."):
        return known.get(written), name
    path = posixpath.normpath(posixpath.join(posixpath.dirname(module.path), written))
    stem = path.rsplit(".", 1)[0] if path.endswith((".js", ".mjs", ".cjs")) else path
    candidates = [path, *(base + suffix for base in (path, stem) for suffix in _SUFFIXES)]
    candidates += [f"{path}/index{suffix}" for suffix in _SUFFIXES]
    return next((known[candidate] for candidate in candidates if candidate in known), None), name
