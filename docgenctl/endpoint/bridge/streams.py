"""The two ends of the pipe to the client: lines in, lines out, nothing else on either."""

import os
import threading
from collections.abc import Iterator

LONGEST_LINE = 64 * 1024 * 1024
_BLOCK = 256 * 1024


def lines(descriptor: int) -> Iterator[bytes]:
    """Each line that comes, without its end, until the other side closes; empty lines are left out.

    A line beyond 64 MiB comes as its beginning, which is no JSON, and the rest of it is skipped.
    """
    pending: list[bytes] = []
    size = 0
    while block := os.read(descriptor, _BLOCK):
        *ended, rest = block.split(b"\n")
        for piece in ended:
            line = b"".join((*pending, piece)).strip()
            pending, size = [], 0
            if line:
                yield line
        if rest and size <= LONGEST_LINE:
            pending.append(rest)
            size += len(rest)
    if line := b"".join(pending).strip():
        yield line


class Output:
    """Writes whole lines; several threads may. `gone` is set once the other side has closed."""

    def __init__(self, descriptor: int) -> None:
        self.gone = threading.Event()
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, line: bytes) -> None:
        """Write one line, waiting for a slow reader; nothing after the reader has gone."""
        rest = memoryview(line + b"\n")
        with self._lock:
            try:
                while rest and not self.gone.is_set():
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                self.gone.set()


def private_output() -> int:
    """Keep standard output for ourselves: whatever else in this process prints lands on standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    return own
