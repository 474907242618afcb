"""Runs a program, its output line by line to whoever listens."""

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

#: Receives one line of output, without its end.
Sink = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit code and the last lines of what it wrote, both streams together."""

    code: int
    lines: tuple[str, ...]


def run(command: Sequence[str], on_line: Sink, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run to the end, with `environment` on top of ours and nothing on stdin.

    Raises OSError when the program cannot be started.
    """
    lines: deque[str] = deque(maxlen=400)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            on_line(line.rstrip())
    return Outcome(process.returncode, tuple(lines))
