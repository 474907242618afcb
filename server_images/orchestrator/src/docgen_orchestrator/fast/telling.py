"""What is told of raw requests: one log line each, in the form of ``docgen_common.access``, and the metrics.

Requests only leave a note. Notes are worked off together a moment later: done for each request in between its
own work and the next one's, the same telling costs twice as much. Metrics are up to date whenever they are
read. What is under way when the process is killed has no line anywhere, and what ended in the last moment may
lose its own.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from docgen_common.metrics import Metrics
from msgspec import Struct
from prometheus_client import Counter

if TYPE_CHECKING:
    from docgen_orchestrator.fast.endpoint import Endpoint
    from docgen_orchestrator.fast.request import Head
    from docgen_orchestrator.fast.targets import Target

GATHER_S = 0.05
"""How long notes are gathered."""

_MOST_GATHERED = 64
"""How many are, so that telling of them keeps nobody waiting for long."""

_MOST_CONSTANTS = 1_000

_ENCODE = msgspec.json.Encoder().encode


class Note(Struct, frozen=True, gc=False):
    """One request that ended: at which time of day, how long it took, what was sent back (seconds, bytes).

    ``target`` and ``outcome`` are those of a call; a list, or a request that was refused, has none.
    """

    ended: float
    endpoint: Endpoint
    head: Head
    correlation_id: bytes
    key_id: str | None
    client: str | None
    status: int
    took_s: float
    sent: int
    target: Target | None = None
    outcome: str = ""


def write_to_stdout(lines: bytes) -> None:
    """Write whole lines where the process's other lines go."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


class Telling:
    """Takes notes, and works them off. Lines are written at level info, if that level is logged at all."""

    def __init__(
        self, server: str, metrics: Metrics, write: Callable[[bytes], None] = write_to_stdout
    ) -> None:
        self.logs = logging.getLogger("docgen.access").isEnabledFor(logging.INFO)
        self._metrics = metrics
        self._server = _ENCODE(server)
        self._write = write
        self._notes: list[Note] = []
        self._timer: asyncio.TimerHandle | None = None
        self._constants: dict[tuple[bytes, bytes, bytes, str | None, str | None], bytes] = {}
        self._second = 0
        self._second_told = b""
        metrics.before_reading.append(self.work_off)

    def take(self, note: Note) -> None:
        """One request ended."""
        notes = self._notes
        if not notes:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.work_off)
        notes.append(note)
        if len(notes) >= _MOST_GATHERED:
            self.work_off()

    def work_off(self) -> None:
        """Tell of all that was noted."""
        notes, self._notes = self._notes, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not notes:
            return
        counts: dict[Counter, int] = {}
        for note in notes:
            counter, durations = note.endpoint.observers(self._metrics, note.status)
            counts[counter] = counts.get(counter, 0) + 1
            durations.observe(note.took_s)
            if note.target is not None:
                counter = note.target.counter(self._metrics, note.outcome)
                counts[counter] = counts.get(counter, 0) + 1
        for counter, count in counts.items():
            counter.inc(count)
        if self.logs:
            self._write(b"".join([self._line(note) for note in notes]))

    def _line(self, note: Note) -> bytes:
        head, target = note.head, note.target
        of_whom = (note.endpoint.json_path, head.method, head.name, note.key_id, note.client)
        constant = self._constants.get(of_whom) or self._constant(*of_whom)
        took = b"%.2f" % (note.took_s * 1000)
        called = b""
        if target is not None:
            called = b',"tool":%b,"outcome":"%b","tool_ms":%b' % (
                *(target.json_name, note.outcome.encode(), took),
            )
        return b'{"time":"%b",%b,"correlation_id":"%b"%b,"status":%d,"duration_ms":%b,"bytes_out":%d%b}\n' % (
            self._time(note.ended),
            constant,
            note.correlation_id,
            b',"traceparent":"%b"' % head.traceparent if head.traceparent else b"",
            note.status,
            took,
            note.sent,
            called,
        )

    def _constant(
        self, json_path: bytes, method: bytes, name: bytes, key_id: str | None, client: str | None
    ) -> bytes:
        """What all lines of one caller about one tool have in common."""
        if len(self._constants) >= _MOST_CONSTANTS:
            self._constants.clear()
        made = self._constants[json_path, method, name, key_id, client] = (
            b'"level":"info","event":"request","server":%b%b,"method":"POST","path":%b,"client":%b,'
            b'"mcp_method":"%b"%b'
            % (
                self._server,
                b"" if key_id is None else b',"key_id":%b' % _ENCODE(key_id),
                json_path,
                b"null" if client is None else b'"%b"' % client.encode(),
                method,
                b',"mcp_name":%b' % _ENCODE(name[:128].decode("latin-1")) if name else b"",
            )
        )
        return made

    def _time(self, ended: float) -> bytes:
        """RFC 3339 with microseconds, in UTC."""
        second = int(ended)
        if second != self._second:
            self._second = second
            self._second_told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%06dZ" % (self._second_told, int((ended - second) * 1e6))
