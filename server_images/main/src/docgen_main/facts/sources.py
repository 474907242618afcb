"""Reads the source files of a project, each content once in the life of its store."""

import hashlib
from collections.abc import Callable, Iterable

from docgen_main.facts import python_face
from docgen_main.facts.budget import Budget
from docgen_main.facts.languages import is_test
from docgen_main.facts.model import Module, SourceFile
from docgen_main.facts.outline import follow
from docgen_main.facts.python_names import names_of
from docgen_main.facts.reading import FileFacts, FileName, is_read, read_facts
from docgen_main.facts.store import FactsStore

_AT_ONCE = 200

Read = Callable[[str], bytes | None]


def facts_of(
    files: Iterable[SourceFile], read: Read, budget: Budget, store: FactsStore
) -> dict[str, FileFacts]:
    """The facts of each of `files` that is looked into, by path; `read` gives what is not in `store`.

    Raises `StoppedError`; what was read until then is kept.
    """
    files = tuple(files)
    packages = _packages(files)
    named = [_named(file, packages) for file in files if is_read(file.path, file.language)]
    hashes = {file.path: file.sha256 for file in files}
    keys = {name.path: store.key(name, hashes[name.path]) for name in named if hashes[name.path]}
    known = store.load(keys.values())
    found: dict[str, FileFacts] = {}
    fresh: dict[bytes, FileFacts] = {}
    try:
        for name in named:
            budget.check()
            facts = known.get(keys.get(name.path, b""))
            content = read(name.path) if facts is None else None
            if content is not None:
                facts = read_facts(name, content)
                # the content may be newer than the inventory
                fresh[store.key(name, hashlib.sha256(content).hexdigest())] = facts
            if facts is not None:
                found[name.path] = facts
            if len(fresh) >= _AT_ONCE:
                store.save(fresh)
                fresh = {}
    finally:
        if fresh:
            store.save(fresh)
    return found


def modules_of(facts: dict[str, FileFacts]) -> tuple[Module, ...]:
    """The modules among `facts`, in order of path."""
    python = python_face.describe(one.python for one in facts.values() if one.python)
    others = {path: one.module for path, one in facts.items() if one.module}
    return follow([module for _, module in sorted((python | others).items())])


def _packages(files: Iterable[SourceFile]) -> frozenset[str]:
    """Directories that Python imports from."""
    return frozenset(
        file.path.rpartition("/")[0]
        for file in files
        if file.path.endswith(("/__init__.py", "/__init__.pyi"))
    )


def _named(file: SourceFile, packages: frozenset[str]) -> FileName:
    names = names_of(file.path, packages) if file.language == "Python" else None
    return FileName(file.path, file.language or "", names, is_test(file.path))
