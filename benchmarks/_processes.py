"""Processes of a benchmark: started, waited for, looked at, ended."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_S = 90.0


@dataclass
class Process:
    """A server that answers on `port` of 127.0.0.1; `children` are processes that it made for its work."""

    port: int
    pid: int
    children: Sequence[int] = field(default_factory=tuple)

    def cpu_s(self) -> float:
        """The CPU time that it and its children have used."""
        return sum(_cpu_s(pid) for pid in (self.pid, *self.children))

    def rss_kib(self) -> int:
        """Its resident memory."""
        return _field(f"/proc/{self.pid}/status", "VmRSS:")

    def pss_kib(self) -> int:
        """Its share of memory: what it shares with n processes counts one n-th."""
        return _field(f"/proc/{self.pid}/smaps_rollup", "Pss:")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_sources() -> str:
    """What PYTHONPATH has to be for our servers."""
    return os.pathsep.join(str(path) for path in sorted(ROOT.glob("server_images/*/src")))


@contextlib.contextmanager
def started(
    argv: Sequence[str], port: int, log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Run `argv`, which is to listen on `port`; with all it made, it is gone afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            env={**os.environ, **(environ or {})},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield Process(port, process.pid, tuple(descendants(process.pid)))
    finally:
        _end(process)


def python_program(name: str, *arguments: str) -> list[str]:
    """The command that runs a program beside this file on this Python."""
    return [sys.executable, str(Path(__file__).with_name(name)), *arguments]


def wait_until_answered(port: int) -> None:
    """Wait for what was started elsewhere to listen."""
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens at port {port}")
        time.sleep(0.05)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a server did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and what it made: by its own hand first."""
    made = descendants(process.pid)
    process.terminate()
    try:
        process.wait(12)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for pid in made:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def descendants(pid: int) -> list[int]:
    """What a process has made, and what that has made."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found + [below for child in found for below in descendants(child)]


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _field(path: str, name: str) -> int:
    lines = Path(path).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
