"""Where a section's facts come from, with the hash of each source as it was."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docgen_main.documents.section import ANSWERS, FILES, HISTORY
from docgen_main.facts import Project
from docgen_main.workspace import Workspace, WorkspaceError

_FILE_BYTES = 8 << 20
#: more sources than these are summed up in one hash, so that a record stays small
_LISTED = 100


@dataclass(frozen=True, slots=True)
class Source:
    """A file by path, or `FILES`, `HISTORY`, `ANSWERS`; `sha256` is "" for what could not be read.

    With `count` above 1 it stands for so many files, of which `path` is the first.
    """

    path: str
    sha256: str
    count: int = 1


class Provenance:
    """Hashes sources, each once. Reads through the guard; not for use by several threads at once."""

    def __init__(self, workspace: Workspace, project: Project, answers: Mapping[str, object]) -> None:
        self._workspace = workspace
        self._project = project
        self._answers = answers
        self._known: dict[str, str] = {}

    def of(self, paths: Iterable[str]) -> tuple[Source, ...]:
        """The sources at `paths`, in order, each once; all those after the first 99 as one."""
        found = [Source(path, self.sha256(path)) for path in dict.fromkeys(paths)]
        if len(found) <= _LISTED:
            return tuple(found)
        rest = found[_LISTED - 1 :]
        together = _digest(f"{source.path} {source.sha256}" for source in rest)
        return (*found[: _LISTED - 1], Source(rest[0].path, together, len(rest)))

    def sha256(self, path: str) -> str:
        """Hash of the source at `path` now; "" when it cannot be read."""
        if path not in self._known:
            self._known[path] = self._measure(path)
        return self._known[path]

    def _measure(self, path: str) -> str:
        if path == FILES:
            return _digest(f"{file.path} {file.size} {file.lines}" for file in self._project.inventory.files)
        if path == HISTORY:
            history = self._project.history
            head = history.commits[0].id if history.commits else ""
            return _digest((head, *(f"{at} {' '.join(names)}" for at, names in sorted(history.tags.items()))))
        if path == ANSWERS:
            return _digest(f"{name}={value!r}" for name, value in sorted(self._answers.items()))
        if known := self._project.sha256(path):
            return known
        try:
            content = self._workspace.read(self._workspace.path(path), limit=_FILE_BYTES)
        except WorkspaceError:
            return ""
        return hashlib.sha256(content).hexdigest()


def changed_sources(
    workspace: Workspace,
    project: Project,
    sources: Iterable[tuple[str, str]],
    answers: Mapping[str, object],
) -> list[str]:
    """Those of `sources` (path and the hash it had) that have another hash now, in order, each once."""
    now = Provenance(workspace, project, answers)
    return list(dict.fromkeys(path for path, sha256 in sources if now.sha256(path) != sha256))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
