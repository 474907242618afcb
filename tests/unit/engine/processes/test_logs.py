"""Logs of processes, written and read at the same time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.engine.processes.logs import LogReader, LogWriter
from docgenctl.engine.processes.places import Home
from docgenctl.model.stack import LogRotation

#: Two lines fit into a file.
TWO_LINES = 180


class Log:
    """One container's log, and how many lines were written."""

    def __init__(self, place: Path, *, max_files: int = 3) -> None:
        self.home = Home(place)
        self.home.logs.mkdir()
        self.writer = LogWriter(self.home, "c", LogRotation(max_size_bytes=TWO_LINES, max_files=max_files))
        self.readers: list[LogReader] = []
        self.written = 0

    def write(self, lines: int) -> None:
        for _ in range(lines):
            self.writer.write("stdout", b"line-%d\n" % self.written)
            self.written += 1

    def reader(self) -> LogReader:
        self.readers.append(LogReader(self.home, "c", "main"))
        return self.readers[-1]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path)
    yield log
    log.writer.close()
    for reader in log.readers:
        reader.close()


def numbers(reader: LogReader) -> list[int]:
    return [int(line.text.removeprefix("line-")) for line in reader.read()]


def test_all_parts_are_read_from_the_oldest_on_and_then_what_is_new(log: Log) -> None:
    log.write(5)
    reader = log.reader()
    assert numbers(reader) == [0, 1, 2, 3, 4]
    assert numbers(reader) == []
    log.write(2)
    assert numbers(reader) == [5, 6]


def test_who_reads_on_after_several_rotations_misses_nothing(log: Log) -> None:
    log.write(1)
    reader = log.reader()
    assert numbers(reader) == [0]
    log.write(5)
    assert numbers(reader) == [1, 2, 3, 4, 5]


def test_who_comes_too_late_reads_on_with_the_oldest_that_is_kept(log: Log) -> None:
    log.write(1)
    reader = log.reader()
    assert numbers(reader) == [0]
    log.write(20)
    assert numbers(reader)[-5:] == [16, 17, 18, 19, 20]
    assert numbers(reader) == []


@pytest.mark.parametrize("after", range(1, 7))
def test_a_rotation_between_two_lines_takes_nothing_away(log: Log, after: int) -> None:
    log.write(6)
    lines = log.reader().read()
    read = [next(lines).text for _ in range(after)]
    log.write(3)
    read += [line.text for line in lines]
    assert read == [f"line-{number}" for number in range(9)]


@pytest.mark.parametrize("renamed", [1, 2])
def test_names_that_change_while_files_are_opened_take_nothing_away(
    log: Log, renamed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(6)
    opened = 0

    def open_and_rotate(path: Path, mode: str) -> object:
        nonlocal opened
        file = original(path, mode)
        opened += 1
        if opened == renamed:
            log.write(2)  # exactly one rotation
        return file

    original = Path.open
    monkeypatch.setattr(Path, "open", open_and_rotate)
    read = numbers(log.reader())
    assert read == list(range(read[0], 8))
    assert read[0] <= 2, "the two files that every rotation kept are read"


def test_the_moment_between_two_files_ends_nothing(log: Log) -> None:
    log.write(2)
    reader = log.reader()
    assert numbers(reader) == [0, 1]
    log.writer.close()
    last = log.home.logs / "c.log"
    last.rename(f"{last}.1")
    assert numbers(reader) == []
    log.writer = LogWriter(log.home, "c", LogRotation(max_size_bytes=TWO_LINES, max_files=3))
    log.write(1)
    assert numbers(reader) == [2]


def test_a_line_that_a_full_disk_cut_short_costs_no_more_than_the_one_after_it(log: Log) -> None:
    log.write(1)
    with (log.home.logs / "c.log").open("ab") as file:
        file.write(b'{"time": "2026-')
    log.write(3)
    assert numbers(log.reader())[-1] == 3


def test_a_reader_beside_a_writer_in_a_hurry_sees_lines_in_their_order_and_none_twice(tmp_path: Path) -> None:
    log = Log(tmp_path, max_files=50)
    over = threading.Event()

    def hurry() -> None:
        log.write(2_000)
        over.set()

    writer = threading.Thread(target=hurry)
    writer.start()
    reader, read = log.reader(), list[int]()
    while not over.is_set():
        read += numbers(reader)
    read += numbers(reader)
    writer.join()
    log.writer.close()
    reader.close()
    assert read == sorted(set(read))
    assert read[-1] == 1_999
