"""Where tasks are kept: in memory, and one small file each in a folder that outlives the process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from docgen_common.tasks.row import Task

TTL_SECONDS = 3600.0
"""How long after its creation a task is kept."""

KEPT = 256
"""How many tasks are kept at most; the oldest ended ones go first."""

_INTERNAL = -32603
_log = structlog.stdlib.get_logger("docgen.tasks")


class UnknownTaskError(Exception):
    """There is no such task, or it is somebody else's."""


class TasksFullError(Exception):
    """No further task can be kept just now."""


class TaskStore:
    """Tasks by id. An id is a secret of its owner; files and memory know only its hash.

    Without a ``folder`` nothing outlives the process. What was at work when the last process ended is failed
    from the start.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        ttl_s: float = TTL_SECONDS,
        kept: int = KEPT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._ttl_s = ttl_s
        self._kept = kept
        self._clock = clock
        self._rows: dict[str, Task] = {}
        if folder is not None:
            try:
                self._load(folder)
            except OSError as error:
                _log.warning("tasks not kept", error=error.strerror or type(error).__name__)
                self._folder = None

    def create(self, owner: str | None, tool: str) -> tuple[str, Task]:
        """A new task and its id; it is on the disk when this returns. Raises TasksFullError."""
        self._purge()
        if len(self._rows) >= self._kept:
            raise TasksFullError
        task_id = secrets.token_urlsafe(32)
        now = self._clock()
        task = Task(_key(task_id), owner, tool, created=now, updated=now, ttl_s=self._ttl_s)
        try:
            self._write(task)
        except OSError as error:
            _log.warning("task not kept", error=error.strerror or type(error).__name__)
            raise TasksFullError from None
        self._rows[task.key] = task
        return task_id, task

    def find(self, task_id: str, owner: str | None) -> Task:
        """The task of that id if it is ``owner``'s. Raises UnknownTaskError."""
        task = self._rows.get(_key(task_id))
        if task is None or task.owner != owner or self._expired(task):
            raise UnknownTaskError
        return task

    def note(self, task: Task, message: str) -> None:
        """Say how far ``task`` is: worth nothing after a restart, so no file is written."""
        task.message, task.updated = message, self._clock()

    def save(self, task: Task) -> None:
        """Note that ``task`` changed. A full disk is told in the log; the task lives on in memory."""
        task.updated = self._clock()
        if task.key not in self._rows:
            return
        try:
            self._write(task)
        except OSError as error:
            _log.warning("task not kept", error=error.strerror or type(error).__name__)

    def _load(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            try:
                task = Task.load(path.read_text("utf-8"))
            except (OSError, ValueError, TypeError):
                task = None
            if task is None or task.key != path.stem or self._expired(task):
                _remove(path)
                continue
            self._rows[task.key] = task
            if not task.ended:
                task.fail(_INTERNAL, "The server was restarted while this was at work; call the tool again")
                self.save(task)

    def keeps(self, key: str) -> bool:
        """Whether the task of that ``key`` is within its time."""
        task = self._rows.get(key)
        return task is not None and not self._expired(task)

    def _purge(self) -> None:
        ended = sorted((row for row in self._rows.values() if row.ended), key=lambda row: row.created)
        surplus = ended[: max(0, len(self._rows) - self._kept + 1)]
        expired = [row for row in self._rows.values() if self._expired(row)]
        for key, task in {row.key: row for row in (*surplus, *expired)}.items():
            del self._rows[key]
            if self._folder is not None:
                _remove(self._path(task))

    def _expired(self, task: Task) -> bool:
        return self._clock() > task.created + task.ttl_s

    def _path(self, task: Task) -> Path:
        assert self._folder is not None  # noqa: S101 - asked for only where there is one
        return self._folder / f"{task.key}.json"

    def _write(self, task: Task) -> None:
        if self._folder is None:
            return
        path = self._path(task)
        part = path.with_suffix(".part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
                file.write(task.dump())
            part.replace(path)
        except OSError:
            _remove(part)
            raise


def _key(task_id: str) -> str:
    return hashlib.sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
