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
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from docgen_common.metrics import Metrics

if TYPE_CHECKING:
    from docgen_orchestrator.fast.endpoint import Endpoint
    from docgen_orchestrator.fast.request import Head
    from docgen_orchestrator.fast.targets import Target

GATHER_S = 0.05
"""How long notes are gathered."""

_ENCODE = msgspec.json.Encoder().encode


class Note(NamedTuple):
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
        self._second = 0
        self._second_told = b""
        metrics.before_reading.append(self.work_off)

    def take(self, note: Note) -> None:
        """One request ended."""
        if not self._notes:
            asyncio.get_running_loop().call_later(GATHER_S, self.work_off)
        self._notes.append(note)

    def work_off(self) -> None:
        """Tell of all that was noted."""
        notes, self._notes = self._notes, []
        if not notes:
            return
        for note in notes:
            note.endpoint.observe(self._metrics, note.status, note.took_s)
            if note.target is not None:
                note.target.count(self._metrics, note.outcome)
        if self.logs:
            self._write(b"".join([self._line(note) for note in notes]))

    def _line(self, note: Note) -> bytes:
        head, target = note.head, note.target
        key = b"" if note.key_id is None else b',"key_id":%b' % _ENCODE(note.key_id)
        trace = b',"traceparent":"%b"' % head.traceparent if head.traceparent else b""
        name = b',"mcp_name":%b' % _ENCODE(head.name[:128].decode("latin-1")) if head.name else b""
        called = b""
        if target is not None:
            told = (target.json_name, note.outcome.encode(), note.took_s * 1000)
            called = b',"tool":%b,"outcome":"%b","tool_ms":%.2f' % told
        return (
            b'{"time":"%b","level":"info","event":"request","server":%b,"correlation_id":"%b"%b%b,'
            b'"method":"POST","path":%b,"status":%d,"duration_ms":%.2f,"bytes_out":%d,"client":%b,'
            b'"mcp_method":"%b"%b%b}\n'
            % (
                self._time(note.ended),
                self._server,
                note.correlation_id,
                key,
                trace,
                note.endpoint.json_path,
                note.status,
                note.took_s * 1000,
                note.sent,
                b"null" if note.client is None else b'"%b"' % note.client.encode(),
                head.method,
                name,
                called,
            )
        )

    def _time(self, ended: float) -> bytes:
        """RFC 3339 with microseconds, in UTC."""
        second = int(ended)
        if second != self._second:
            self._second = second
            self._second_told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%06dZ" % (self._second_told, int((ended - second) * 1e6))
