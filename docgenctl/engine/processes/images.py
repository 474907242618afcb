"""Images of processes: unpacked directories, made by the steps of a recipe, shared by all stacks of a user.

A recipe (`PROCESS_RECIPE` at the root of the context) says which commands to run in the unpacked context,
what must exist afterwards (`needs`) and which variables its processes get. An image is there when its note
is: the note is written last, so what a killed build left is never taken for one.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from docgenctl.engine.processes.places import read_json, write_json
from docgenctl.model.errors import BuildError, EngineError
from docgenctl.model.observed import ObservedImage
from docgenctl.model.stack import PROCESS_RECIPE

_NOTE = ".image.json"
_DETAILS = 30


class ImageStore:
    """The images below one directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, reference: str) -> ObservedImage | None:
        """The image of that reference or id, if all it needs is still there."""
        found = self._note(reference)
        return None if found is None else _observed(found[1])

    def directory(self, reference: str) -> Path:
        """Where it lies. Raises EngineError."""
        found = self._note(reference)
        if found is None:
            raise EngineError(f"No such image: {reference}", hint="docgenctl build")
        return found[0]

    def environment(self, reference: str) -> dict[str, str]:
        """The variables that the image gives its processes."""
        found = self._note(reference)
        return {} if found is None else dict(found[1]["recipe"].get("environment", {}))

    def list(self, label: str) -> tuple[ObservedImage, ...]:
        """All that carry a label (`key` or `key=value`)."""
        key, separator, value = label.partition("=")
        return tuple(
            _observed(note)
            for _, note in self._notes()
            if key in note["labels"] and (not separator or note["labels"][key] == value)
        )

    def build(
        self, context: BinaryIO, reference: str, labels: Mapping[str, str], on_line: Callable[[str], None]
    ) -> ObservedImage:
        """Unpack and run the steps. Raises BuildError."""
        identity = secrets.token_hex(32)
        with self._locked():
            self._sweep()
            target = self.path / identity[:16]
            target.mkdir(mode=0o755)
            try:
                with tarfile.open(fileobj=context) as archive:
                    archive.extractall(target, filter="data")
                recipe = _recipe(target)
                for step in recipe["steps"]:
                    _run(step, target, on_line)
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)
                raise
            self.remove(reference)
            size = sum(file.lstat().st_size for file in target.rglob("*"))
            note = {
                "id": f"sha256:{identity}",
                "references": [reference],
                "labels": dict(labels),
                "size_bytes": size,
                "recipe": recipe,
            }
            write_json(target / _NOTE, note)
        return _observed(note)

    def remove(self, reference: str) -> None:
        """Take the reference away; what runs keeps its files, so those stay until the cache is deleted."""
        found = self._note(reference)
        if found is None:
            return
        path, note = found
        note["references"] = [name for name in note["references"] if name != reference]
        write_json(path / _NOTE, note)

    def _note(self, reference: str) -> tuple[Path, dict[str, Any]] | None:
        for path, note in self._notes():
            # A Python that was upgraded away leaves a link to nothing: such an image is none.
            whole = all((path / needed).exists() for needed in note["recipe"].get("needs", ()))
            if whole and reference in (*note["references"], note["id"]):
                return path, note
        return None

    def _notes(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        if not self.path.is_dir():
            return
        for path in sorted(self.path.iterdir()):
            note = read_json(path / _NOTE) if path.is_dir() else None
            if note is not None:
                yield path, note

    def _sweep(self) -> None:
        """Under the lock: a directory without a note is what a killed build left."""
        for path in self.path.iterdir():
            if path.is_dir() and not (path / _NOTE).exists():
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _recipe(target: Path) -> dict[str, Any]:
    try:
        recipe = json.loads((target / PROCESS_RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(
            f"the context has no {PROCESS_RECIPE} that can be read", hint="docgenctl build"
        ) from error
    return dict(recipe)


def _run(step: list[str], folder: Path, on_line: Callable[[str], None]) -> None:
    """One step, in the image's directory; `{python}` is the interpreter that runs this."""
    command = [sys.executable if word == "{python}" else word for word in step]
    lines: deque[str] = deque(maxlen=_DETAILS)
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
    except OSError as error:
        raise BuildError(
            f"{command[0]} cannot be run: {error.strerror}", hint=f"ls -l {command[0]} shows why"
        ) from error
    try:
        with process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                on_line(line.rstrip())
    except BaseException:
        process.kill()
        raise
    if process.returncode != 0:
        raise BuildError(
            f"the step `{' '.join(step[:4])} …` returned a non-zero code: {process.returncode}",
            hint="see the last lines; the package index that pip uses must be reachable",
            details=tuple(lines),
        )


def _observed(note: Mapping[str, Any]) -> ObservedImage:
    return ObservedImage(
        id=note["id"],
        references=tuple(note["references"]),
        digests=(),
        labels=note["labels"],
        size_bytes=note["size_bytes"],
    )
