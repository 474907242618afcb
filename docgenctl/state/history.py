"""Who changed the stack, when, with which result: JSON lines that are only ever appended to.

Theory of operation. A command writes one line when it begins and one when it ends, each with a single
`write` to a file opened for appending, under the project's lock. A command that is killed leaves no second
line, and that is how a reader knows. A crash may tear the last line: the next writer begins a new line
first, and readers skip what they cannot read. The file is moved aside once it is large, and one older file
is kept. History is a courtesy: nothing here ever fails the command that it tells about.
"""

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from docgenctl.model.history import HistoryEntry, Result

_FILE, _OLDER = "history.jsonl", "history.1.jsonl"
#: About 700 commands; with the older file between one and two times that.
LARGEST_BYTES = 256 * 1024


class History:
    """The history in a project's state directory."""

    def __init__(self, state_dir: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        self._directory = state_dir
        self._largest_bytes = largest_bytes

    def began(self, entry: HistoryEntry) -> None:
        """Write down that a command begins; the caller holds the project's lock."""
        self._append(
            {
                "began": entry.id,
                "command": entry.command,
                "arguments": list(entry.arguments),
                "started": entry.started,
                "user": entry.user,
                "host": entry.host,
                "pid": entry.pid,
                "version": entry.tool_version,
            }
        )

    def ended(
        self, change: str, *, result: Result, exit_code: int, error_code: str = "", duration_s: float
    ) -> None:
        """Write down how the command with that id ended."""
        self._append(
            {
                "ended": change,
                "result": result.value,
                "exit_code": exit_code,
                "error_code": error_code,
                "duration_s": round(duration_s, 3),
            }
        )

    def entries(self, *, running: str = "") -> tuple[HistoryEntry, ...]:
        """All entries that are kept, oldest first; `running` is the id of the one that holds the lock now."""
        begun: dict[str, Mapping[str, Any]] = {}
        ends: dict[str, Mapping[str, Any]] = {}
        for name in (_OLDER, _FILE):
            for line in self._lines(name):
                if isinstance(line.get("began"), str):
                    begun[line["began"]] = line
                elif isinstance(line.get("ended"), str):
                    ends[line["ended"]] = line
        return tuple(
            _entry(change, line, ends.get(change), is_running=change == running)
            for change, line in begun.items()
        )

    def _lines(self, name: str) -> Iterator[Mapping[str, Any]]:
        with contextlib.suppress(OSError):
            descriptor = os.open(self._directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
                for text in file:
                    with contextlib.suppress(ValueError):
                        line = json.loads(text)
                        if isinstance(line, dict):
                            yield line

    def _append(self, line: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._rotate()
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._directory / _FILE, flags, 0o600)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    return
                os.fchmod(descriptor, 0o600)
                torn = status.st_size > 0 and os.pread(descriptor, 1, status.st_size - 1) != b"\n"
                os.write(descriptor, b"\n" * torn + json.dumps(line).encode() + b"\n")
            finally:
                os.close(descriptor)

    def _rotate(self) -> None:
        path = self._directory / _FILE
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_size >= self._largest_bytes:
                path.replace(self._directory / _OLDER)


def _entry(
    change: str, line: Mapping[str, Any], end: Mapping[str, Any] | None, *, is_running: bool
) -> HistoryEntry:
    arguments = line.get("arguments")
    pid = line.get("pid")
    known = HistoryEntry(
        id=change,
        command=str(line.get("command", "")),
        arguments=tuple(map(str, arguments)) if isinstance(arguments, list) else (),
        started=str(line.get("started", "")),
        user=str(line.get("user", "")),
        host=str(line.get("host", "")),
        pid=pid if isinstance(pid, int) else 0,
        tool_version=str(line.get("version", "")),
        result=Result.RUNNING if is_running else Result.UNKNOWN,
    )
    return known if end is None else _with_end(known, end)


def _with_end(entry: HistoryEntry, end: Mapping[str, Any]) -> HistoryEntry:
    exit_code, duration_s = end.get("exit_code"), end.get("duration_s")
    try:
        result = Result(end.get("result", ""))
    except ValueError:  # a word of a newer version
        result = Result.UNKNOWN
    return replace(
        entry,
        result=result,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        error_code=str(end.get("error_code", "")),
        duration_s=float(duration_s) if isinstance(duration_s, (int, float)) else None,
    )
