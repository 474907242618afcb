"""Logs of processes: JSON lines with time and stream, rotated by size."""

import json
import os
from collections.abc import Iterator
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
    """Reads on where it stopped, over rotations."""

    def __init__(self, home: Home, container_id: str, service: str) -> None:
        self._path = home.logs / f"{container_id}.log"
        self._service = service
        self._file: BinaryIO | None = None
        self._begun = False

    def read(self) -> Iterator[LogLine]:
        """What was written since the last time; the first time all there is."""
        if not self._begun:
            self._begun = True
            for path in reversed(self._older()):
                with path.open("rb") as file:
                    yield from self._lines(file)
        while True:
            if self._file is None:
                try:
                    self._file = self._path.open("rb")
                except FileNotFoundError:
                    return
            yield from self._lines(self._file)
            if not self._rotated():
                return
            yield from self._lines(self._file)
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lines(self, file: BinaryIO) -> Iterator[LogLine]:
        while line := file.readline():
            if not line.endswith(b"\n"):
                file.seek(-len(line), os.SEEK_CUR)  # being written just now
                return
            entry = json.loads(line)
            yield LogLine(
                service=self._service, stream=entry["stream"], time=entry["time"], text=entry["log"]
            )

    def _older(self) -> list[Path]:
        found = []
        number = 1
        while (path := Path(f"{self._path}.{number}")).exists():
            found.append(path)
            number += 1
        return found

    def _rotated(self) -> bool:
        if self._file is None:
            return False
        try:
            return self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False


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
