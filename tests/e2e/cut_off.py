"""The real command line, ended by a signal of one's choice at a step of one's choice; run as a program.

    python -m tests.e2e.cut_off STEP SIGNAL RECORD COMMAND...

A step is a call of the engine's API or an operation on a file of ours, `before` it or `after` it, and the
number of its kind: `POST containers/*/start #2 after`, `rename state.json #1 before`. Every step that is
reached is written to RECORD, one a line; at STEP (none with `-`) the process sends itself SIGNAL. Nothing
in docgenctl knows of this: the SDK's client and a few functions of `os` are wrapped before it starts.

After SIGKILL nothing runs. The other signals reach the main thread a moment later, as from a shell.
"""

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What is written, renamed, removed or made on disk. `os.open` counts only where it makes a file.
FILE_OPERATIONS = ("rename", "replace", "fsync", "unlink", "mkdir", "ftruncate", "symlink")
#: Projects of tests have names of their own, which must not be part of a step's.
PROJECT = r"docgenctl-test-[0-9a-f]{6}-[a-z0-9]+[-_]?"
#: Looking changes nothing, and is done again and again: the first few times stand for all.
LOOKS = 2


class Steps:
    """Counts, records, and strikes once."""

    def __init__(self, at: str, number: signal.Signals, record: Path) -> None:
        self.at = at
        self.number = number
        self.seen: Counter[str] = Counter()
        self.record = record.open("a", buffering=1)
        self.lock = threading.Lock()

    def around(self, kind: str, work: Callable[[], Any], *, looks: bool = False) -> Any:
        with self.lock:
            self.seen[kind] += 1
            step = f"{kind} #{self.seen[kind]}"
        if looks and self.seen[kind] > LOOKS:
            return work()
        self.reached(f"{step} before")
        result = work()
        if not looks:
            self.reached(f"{step} after")
        return result

    def reached(self, step: str) -> None:
        with self.lock:
            self.record.write(step + "\n")
        if step == self.at:
            os.kill(os.getpid(), self.number)
            if self.number == signal.SIGKILL:
                time.sleep(60)  # the kernel may take a moment, in which no other step may be done


def wrap_engine(steps: Steps) -> None:
    """Every request that the SDK's client sends."""
    from docker import APIClient

    send = APIClient.request

    def request(self: APIClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        path = re.sub(r"^https?\+?[^/]*//[^/]+/v[\d.]+/", "", str(url))
        path = re.sub(r"[0-9a-f]{64}", "*", path.split("?")[0])
        name = str((kwargs.get("params") or {}).get("name") or "")
        # A helper is named after one of the volumes it fills; which one stands first is nobody's business.
        name = re.sub(r"(?<=docgenctl-fill-).*", "*", name)
        kind = re.sub(PROJECT, "", f"{method.upper()} {path} {name}").strip()
        looks = method.upper() in ("GET", "HEAD")
        return steps.around(kind, lambda: send(self, method, url, *args, **kwargs), looks=looks)

    APIClient.request = request  # type: ignore[method-assign]


def wrap_files(steps: Steps) -> None:
    """Operations that docgenctl itself does on files."""
    for name in FILE_OPERATIONS:
        setattr(os, name, _wrapped(steps, name, getattr(os, name)))
    opening = os.open

    def os_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if not flags & os.O_CREAT or not _ours(_caller()):
            return opening(path, flags, *args, **kwargs)
        found: int = steps.around(f"create {_base(path)}", lambda: opening(path, flags, *args, **kwargs))
        return found

    os.open = os_open
    sleeping = time.sleep

    def sleep(seconds: float) -> None:
        caller = _caller()
        if _ours(caller):
            steps.around(f"wait in {caller}", lambda: sleeping(seconds), looks=True)
        else:
            sleeping(seconds)

    time.sleep = sleep


def _wrapped(steps: Steps, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def operation(*args: Any, **kwargs: Any) -> Any:
        if not _ours(_caller()):
            return function(*args, **kwargs)
        subject = "" if isinstance(args[0], int) else f" {_base(args[0])}"
        return steps.around(f"{name}{subject}", lambda: function(*args, **kwargs))

    return operation


def _caller() -> str:
    """The module that called the wrapped function."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))


def _ours(caller: str) -> bool:
    return caller.startswith("docgenctl.")


def _base(path: Any) -> str:
    return Path(os.fspath(path)).name


def main() -> int:
    at, number, record, *arguments = sys.argv[1:]
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # where tests run in the background it is ignored
    steps = Steps(at, signal.Signals[number], Path(record))
    wrap_files(steps)
    wrap_engine(steps)
    sys.argv = ["docgenctl", *arguments]
    from docgenctl.__main__ import main as docgenctl

    docgenctl()
    return 0


if __name__ == "__main__":
    sys.exit(main())
