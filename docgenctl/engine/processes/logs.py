"""Logs of processes: JSON lines with time and stream, rotated by size."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from docgenctl.engine.processes.places import Home, nanoseconds, timestamp
from docgenctl.model.observed import LogLine
from docgenctl.model.stack import LogRotation

#: Longer lines are cut into pieces of this size, so that one line cannot take all memory.
LONGEST_LINE = 64 * 1024


class LogWriter:
    """Writes one container's log; the supervisor is the only writer."""

    def __init__(self, home: Home, container_id: str, rotation: LogRotation) -> None:
        self._path = home.logs / f"{container_id}.log"
        self._rotation = rotation
        self._file = self._open()
        self._rest = {"stdout": b"", "stderr": b""}

    def write(self, stream: str, data: bytes) -> None:
        """Take what was read from a stream: whole lines are written, the rest is kept until its end comes."""
        *lines, rest = (self._rest[stream] + data).split(b"\n")
        while len(rest) > LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._rest[stream] = rest
        for line in lines:
            self._line(stream, line)

    def flush(self) -> None:
        """The process has ended: what has no end of line yet is a line too."""
        for stream, rest in self._rest.items():
            if rest:
                self._line(stream, rest)
            self._rest[stream] = b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _line(self, stream: str, line: bytes) -> None:
        text = line.decode("utf-8", "replace").removesuffix("\r")
        entry = json.dumps({"time": timestamp(), "stream": stream, "log": text}).encode() + b"\n"
        try:
            if self._file.tell() + len(entry) > self._rotation.max_size_bytes:
                self._rotate()
            self._file.write(entry)
        except OSError:
            return  # a full disk must not end the service; the line is lost

    def _rotate(self) -> None:
        self._file.close()
        kept = max(1, self._rotation.max_files)
        for number in range(kept - 1, 0, -1):
            older = self._path if number == 1 else Path(f"{self._path}.{number - 1}")
            if older.exists():
                older.rename(f"{self._path}.{number}")
        if kept == 1:
            self._path.unlink(missing_ok=True)
        self._file = self._open()

    def _open(self) -> BinaryIO:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(descriptor, "ab", buffering=0)
        file.seek(0, os.SEEK_END)
        return file


class LogReader:
    """Reads on where it stopped, over rotations: no line twice, and none left out but those that are dropped.

    What is read is the open file, which keeps its content under whatever name, and after it the files that
    are newer, by what they are rather than by their names: a rotation renames all of them at any moment.
    """

    def __init__(self, home: Home, container_id: str, service: str) -> None:
        self._path = home.logs / f"{container_id}.log"
        self._service = service
        self._file: BinaryIO | None = None
        self._ahead: list[BinaryIO] = []

    def read(self) -> Iterator[LogLine]:
        """What was written since the last time; the first time all there is."""
        while True:
            yield from self._lines()
            self._ahead = self._ahead or self._newer()
            if not self._ahead:
                return
            yield from self._lines()  # what came before the file was given its other name
            if self._file is not None:
                self._file.close()
            self._file = self._ahead.pop(0)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._file, *self._ahead):
            if file is not None:
                file.close()
        self._file, self._ahead = None, []

    def _lines(self) -> Iterator[LogLine]:
        file = self._file
        while file is not None and (line := file.readline()):
            if not line.endswith(b"\n"):
                file.seek(-len(line), os.SEEK_CUR)  # being written just now
                return
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a full disk cut the line before it short
            yield LogLine(
                service=self._service, stream=entry["stream"], time=entry["time"], text=entry["log"]
            )

    def _newer(self) -> list[BinaryIO]:
        """The files after the one that is read, the oldest first; none where that is the last one."""
        own = None if self._file is None else _identity(self._file)
        if own is not None and self._last() in (own, None):
            return []
        files = self._open()
        behind = next((at for at, file in enumerate(files, 1) if _identity(file) == own), 0)
        for file in files[:behind]:
            file.close()
        return files[behind:]

    def _open(self) -> list[BinaryIO]:
        """All files, the oldest first.

        The newest is opened first. A rotation meanwhile can only give a file another, older name under which
        it is met again; where one is met twice, its place among the older ones is the right one.
        """
        numbers = [int(path.suffix[1:]) for path in self._path.parent.glob(f"{self._path.name}.*")]
        names = [
            self._path,
            *(Path(f"{self._path}.{number}") for number in range(1, max(numbers, default=0) + 2)),
        ]
        opened = []
        for name in names:
            with suppress(FileNotFoundError):  # being renamed just now, or dropped
                opened.append(name.open("rb"))
        files: dict[tuple[int, int], BinaryIO] = {}
        for file in reversed(opened):
            if files.setdefault(_identity(file), file) is not file:
                file.close()
        return list(files.values())

    def _last(self) -> tuple[int, int] | None:
        """What the file that is written to is; None where it is being made."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def _identity(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino


def remove_logs(home: Home, container_id: str) -> None:
    """Remove the log with all its older parts."""
    for path in home.logs.glob(f"{container_id}.log*"):
        path.unlink(missing_ok=True)


def chosen(lines: Iterator[LogLine], *, tail: int | None, since: str) -> Iterator[LogLine]:
    """Those from `since` on, and of them the last `tail`."""
    if since:
        first = nanoseconds(since)
        lines = (line for line in lines if nanoseconds(line.time) >= first)
    if tail is None:
        yield from lines
    elif tail:
        yield from list(lines)[-tail:]
