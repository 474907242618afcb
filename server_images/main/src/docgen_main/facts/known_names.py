"""The names that a document may mention, because they exist."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docgen_main.facts.model import Command, Dependency, History, Manifest, Module, Symbol

_NUMBERS = re.compile(r"(?<![\d.])\d+(?:\.\w+){0,5}")


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Paths of files and directories, public symbols, dependencies, lines that can be typed, versions.

    Symbols stand there as they are written in sentences: `Box`, `Box.size`, `app.core`, `app.core.Box`.
    Versions stand there as declared (`>=3.11`, `v1.2.0`) and as the bare number in them.
    """

    paths: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    dependencies: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()


def with_directories(paths: Iterable[str]) -> frozenset[str]:
    """`paths` and every directory above them, without slashes at the end."""
    known: set[str] = set()
    for path in paths:
        while path and path not in known:
            known.add(path)
            path = path.rpartition("/")[0]
    return frozenset(known)


def symbol_names(modules: Iterable[Module]) -> frozenset[str]:
    """Modules, components, their symbols and the symbols' members, short and qualified."""
    known: set[str] = set()
    for module in modules:
        known |= {module.name, module.component, *module.defined}
        for symbol in module.symbols:
            known.update(_below(symbol, module.name))
    return frozenset(known - {""})


def _below(symbol: Symbol, above: str) -> Iterator[str]:
    qualified = f"{above}.{symbol.name}"
    yield from (symbol.name, symbol.name.rpartition(".")[2], qualified)
    for member in symbol.members:
        yield from (f"{symbol.name}.{member.name}", *_below(member, qualified))


def command_lines(*groups: Iterable[Command]) -> frozenset[str]:
    """The lines of all `groups`."""
    return frozenset(command.line for group in groups for command in group)


def dependency_names(manifests: Iterable[Manifest]) -> frozenset[str]:
    """What is depended on, and what the manifests call themselves."""
    found = {dependency.name for manifest in manifests for dependency in manifest.dependencies}
    return frozenset(found | {manifest.name for manifest in manifests if manifest.name})


def version_names(manifests: Iterable[Manifest], history: History) -> frozenset[str]:
    """Versions that manifests declare or ask for, and tags."""
    said = {tag for tags in history.tags.values() for tag in tags}
    for manifest in manifests:
        said |= {manifest.version, manifest.runtime, *map(_constraint, manifest.dependencies)}
    return frozenset((said | {number for text in said for number in _NUMBERS.findall(text)}) - {""})


def _constraint(dependency: Dependency) -> str:
    return dependency.constraint
