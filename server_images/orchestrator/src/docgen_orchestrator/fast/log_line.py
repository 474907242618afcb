"""The one log line of each raw request: the fields of ``docgen_common.access``, without the logging library.

Lines are gathered for a moment and written together. What is under way when the process is killed has no
line anywhere, and what ended in the last moment may lose its own.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from docgen_orchestrator.fast.exchange import Exchange

GATHER_S = 0.05
"""How long lines are gathered."""

_ENCODE = msgspec.json.Encoder().encode


def write_to_stdout(lines: bytes) -> None:
    """Write whole lines where the process's other lines go."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


class RequestLog:
    """Writes lines at level info, if that level is logged at all."""

    def __init__(self, server: str, write: Callable[[bytes], None] = write_to_stdout) -> None:
        self.enabled = logging.getLogger("docgen.access").isEnabledFor(logging.INFO)
        self._server = _ENCODE(server)
        self._write = write
        self._lines: list[bytes] = []
        self._second = 0
        self._second_told = b""

    def add(self, exchange: Exchange, status: int, took_s: float, fields: bytes) -> None:
        """One request ended; ``fields`` is what else is to be told, as JSON with a comma before it."""
        if not self._lines:
            asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        head, client = exchange.head, exchange.protocol.client
        key = b"" if exchange.key is None else b',"key_id":%b' % _ENCODE(exchange.key.id)
        trace = b',"traceparent":"%b"' % head.traceparent if head.traceparent else b""
        name = b',"mcp_name":%b' % _ENCODE(head.name[:128].decode("latin-1")) if head.name else b""
        self._lines.append(
            b'{"time":"%b","level":"info","event":"request","server":%b,"correlation_id":"%b"%b%b,'
            b'"method":"POST","path":%b,"status":%d,"duration_ms":%.2f,"bytes_out":%d,"client":%b,'
            b'"mcp_method":"%b"%b%b}\n'
            % (
                self._now(),
                self._server,
                exchange.correlation_id,
                key,
                trace,
                exchange.endpoint.json_path,
                status,
                took_s * 1000,
                exchange.sent,
                b'"%b"' % client[0].encode() if client else b"null",
                head.method,
                name,
                fields,
            )
        )

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._write(b"".join(lines))

    def _now(self) -> bytes:
        """RFC 3339 with microseconds, in UTC."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%06dZ" % (self._second_told, int((now - second) * 1e6))
