"""One client's file: the servers in it, and a change of one entry with all else in it kept."""

import codecs
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from docgenctl.clients.jsonc import Document, JsoncError, remove_member, set_member
from docgenctl.clients.programs import Program, Scope, Surroundings
from docgenctl.clients.toml_tables import TomlError, read_toml, remove_table, set_table
from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.replace_file import replace_file, taking_turns
from docgenctl.model.errors import ConfigurationError, Problem, RefusedError
from docgenctl.model.launch import Launch

#: Claude Code keeps much else in its file.
_LARGEST = 64 * 1024 * 1024
_BACKUP = ".docgenctl-backup"
_TRIES = 3
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
#: Shorter texts, with their quotes, are words, not keys.
_SHORT = 10


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of a file; `diff` is empty when nothing does. `backup` is the old file's copy."""

    file: Path
    diff: str
    backup: Path | None = None


class ServerList:
    """A client's file of one scope.

    Reading raises ConfigurationError (`client_file`) for a file that cannot be read as what it should be,
    and RefusedError (`link_out`) for a link that leads out of the workspace: whoever wrote the repository
    must not choose which file of the user is changed.
    """

    def __init__(self, program: Program, scope: Scope, around: Surroundings) -> None:
        self.program = program
        self.scope = scope
        self.path = program.file(scope, around)
        self._within = around.workspace if scope == "project" else None

    def servers(self) -> Mapping[str, Any]:
        """Name → entry, as they stand in the file; empty without a file."""
        content = self._read()
        found = (self._meaning(self._decoded(content)) or {}).get(self.program.key) if content else {}
        return found if isinstance(found, dict) else {}

    def change(self, name: str, launch: Launch | None, *, dry_run: bool) -> Edit:
        """Put an entry there, or take it away (None). Raises RefusedError when the file cannot be written."""
        for last in range(_TRIES):
            try:
                return self._change(name, launch, dry_run=dry_run)
            except RefusedError as error:  # the client itself wrote to it just then
                if error.code != "changed_meanwhile" or last == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _change(self, name: str, launch: Launch | None, *, dry_run: bool) -> Edit:
        old = self._read()
        if old is None and launch is None:
            return Edit(self.path, "")
        before = self._decoded(old) if old is not None else ""
        after = self._edited(before, name, launch)
        ours = json.dumps([self.program.key, name, self.program.entry(launch) if launch else {}])
        diff = "".join(_difference(before if old is not None else None, after, str(self.path), ours))
        if not diff or dry_run:
            return Edit(self.path, diff)
        if old is not None and after == self._left_alone(name):
            return self._remove(old, diff)
        self._make_folder()
        with taking_turns(self.path):
            backup = self._keep(old) if old is not None else None
            mark = codecs.BOM_UTF8 if old is not None and old.startswith(codecs.BOM_UTF8) else b""
            mode = 0o644 if self.scope == "project" else 0o600
            replace_file(self.path, old, mark + after.encode(), limit=_LARGEST, mode=mode)
        return Edit(self.path, diff, backup)

    def _left_alone(self, name: str) -> str:
        """The text of a file that held nothing but our entry, when that is taken out of it."""
        return self._edited(self._edited("", name, Launch("x")), name, None)

    def _remove(self, old: bytes, diff: str) -> Edit:
        """Take a file away that holds nothing any more, with the copies of what was ours in it."""
        with taking_turns(self.path):
            if self._read() != old:
                raise RefusedError(
                    f"{self.path} was changed meanwhile",
                    hint="try again: docgenctl clients disconnect",
                    code="changed_meanwhile",
                )
            real = Path(os.path.realpath(self.path))
            try:
                real.unlink()
                real.with_name(real.name + _BACKUP).unlink(missing_ok=True)
            except OSError as error:
                raise RefusedError(
                    f"{real} cannot be removed: {error.strerror}",
                    hint=f"make {real.parent} writable for you",
                    code="not_writable",
                ) from None
        return Edit(self.path, diff)

    # -- text ------------------------------------------------------------------------------------------
    def _read(self) -> bytes | None:
        if self._within is not None:
            real = Path(os.path.realpath(self.path))
            if not real.is_relative_to(os.path.realpath(self._within)):
                raise RefusedError(
                    f"{self.path} is a link that leads out of the workspace, to {real}",
                    hint="remove the link, or connect with --scope user",
                    code="link_out",
                )
        try:
            return read_bounded(self.path, _LARGEST)
        except ConfigurationError as error:  # which names the file as those of the workspace are named
            (problem,) = error.problems
            raise self._broken(0, problem.message, problem.hint) from None

    def _decoded(self, content: bytes) -> str:
        try:
            return content.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as error:
            raise self._broken(content.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None

    def _meaning(self, text: str) -> Any:
        try:
            if self.program.form == "toml":
                return read_toml(text)
            if self.program.form == "json" and text.strip():
                json.loads(text)
            return Document(text).value
        except (JsoncError, TomlError) as error:
            raise self._broken(error.line, str(error)) from None
        except json.JSONDecodeError as error:
            raise self._broken(
                error.lineno, f"{error.msg} ({self.program.title} takes plain JSON only)"
            ) from None
        except RecursionError:
            raise self._broken(0, "it is nested too deep") from None

    def _edited(self, text: str, name: str, launch: Launch | None) -> str:
        self._meaning(text)
        path = (self.program.key, name)
        try:
            if self.program.form == "toml":
                return (
                    set_table(text, path, self.program.entry(launch)) if launch else remove_table(text, path)
                )
            return set_member(text, path, self.program.entry(launch)) if launch else remove_member(text, path)
        except (JsoncError, TomlError) as error:
            raise self._broken(error.line, str(error)) from None

    def _broken(
        self,
        line: int,
        message: str,
        hint: str = "mend the file, then run the command again; nothing in it was changed",
    ) -> ConfigurationError:
        problem = Problem(file=str(self.path), line=line, key_path="", message=message, hint=hint)
        return ConfigurationError(str(problem), problems=(problem,), hint=problem.hint, code="client_file")

    # -- file ------------------------------------------------------------------------------------------
    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RefusedError(
                f"{self.path.parent} cannot be made: {error.strerror}",
                hint="make the directory yourself, or use another --scope",
                code="not_writable",
            ) from None

    def _keep(self, old: bytes) -> Path:
        """A copy of the old file beside it, of the same mode."""
        real = Path(os.path.realpath(self.path))
        backup = real.with_name(real.name + _BACKUP)
        current = read_bounded(backup, _LARGEST)
        replace_file(backup, current, old, limit=_LARGEST, mode=0o600)
        with suppress(OSError):
            shutil.copymode(real, backup)
        return backup


def _difference(before: str | None, after: str, name: str, ours: str) -> list[str]:
    """A unified diff in which texts of others are left out: keys to other services stand in such files."""
    old, new = (before or "").splitlines(keepends=True), after.splitlines(keepends=True)
    found = unified_diff(old, new, "/dev/null" if before is None else name, name, n=1)
    lines = [line if line.startswith(("---", "+++")) else _masked(line, ours) for line in found]
    return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]


def _masked(line: str, ours: str) -> str:
    return _TEXT.sub(lambda match: match[0] if match[0] in ours or len(match[0]) < _SHORT else '"…"', line)
