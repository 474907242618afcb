"""The way to the stack: kept connections, each to where the stack was when it was opened."""

import http
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from typing import Any

from docgenctl.endpoint import failures
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.messages import encoded, one_line
from docgenctl.endpoint.connection import Connection, trust
from docgenctl.endpoint.sse import EventStream
from docgenctl.endpoint.wire import REPEATABLE

#: Longer than any request may take at the gateway, which cuts it off itself then.
_SILENCE_S = 3600.0
_MOST_IDLE = 16
#: Beyond this an event is an answer: reading megabytes only to find out what they are would take longer.
_LARGEST_NOTIFICATION = 256 * 1024


class Upstream:
    """Sends requests; several threads may.

    `find` says where the stack is, anew for every request; it returns the same object as long as nothing
    has changed, and raises DocgenError when it cannot be known.
    """

    def __init__(self, find: Callable[[], Endpoint]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._trusted: tuple[Endpoint, ssl.SSLContext] | None = None

    def exchange(
        self,
        job: Job,
        body: bytes,
        headers: Mapping[str, str],
        request_id: Any,
        *,
        silence_s: float = _SILENCE_S,
    ) -> Iterator[bytes]:
        """The messages that answer a request, each on one line, as they come; the last is the response.

        Raises CancelledError, and DocgenError as McpEndpoint does, also when the stream ends early.
        """
        connection = self._take(silence_s)
        with job.undone_by(connection.abort), _closed_on_error(connection):
            key = connection.endpoint.read_key().reveal()
            response = connection.request(
                "POST",
                connection.endpoint.path,
                body=body,
                headers={**headers, "Authorization": f"Bearer {key}"},
                repeatable=headers.get("Mcp-Method") in REPEATABLE,
            )
            if response.status == http.HTTPStatus.OK and _is_stream(response):
                yield from _streamed(connection, response)
            else:
                yield _whole(connection, response, request_id)
        self._give(connection)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self, silence_s: float) -> Connection:
        endpoint = self._find()
        with self._lock:
            stale = [one for one in self._idle if one.endpoint is not endpoint]
            self._idle = [one for one in self._idle if one.endpoint is endpoint]
        for connection in stale:
            connection.close()
        while silence_s == _SILENCE_S and (kept := self._pop()) is not None:
            if kept.alive():
                return kept
        return Connection(endpoint, timeout_s=silence_s, context=self._trust(endpoint))

    def _pop(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give(self, connection: Connection) -> None:
        if connection.timeout_s == _SILENCE_S and connection.alive():
            with self._lock:
                if len(self._idle) < _MOST_IDLE:
                    self._idle.append(connection)
                    return
        connection.close()

    def _trust(self, endpoint: Endpoint) -> ssl.SSLContext:
        with self._lock:
            if self._trusted is None or self._trusted[0] is not endpoint:
                self._trusted = (endpoint, trust(endpoint))
            return self._trusted[1]


@contextmanager
def _closed_on_error(connection: Connection) -> Iterator[None]:
    """Also when whoever reads the answer leaves before its end."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            connection.close()
        raise


def _is_stream(response: HTTPResponse) -> bool:
    return (response.getheader("Content-Type") or "").partition(";")[0].strip().lower() == "text/event-stream"


def _streamed(connection: Connection, response: HTTPResponse) -> Iterator[bytes]:
    events, answered = EventStream(), False
    while block := connection.read_some(response):
        for data in events.feed(block):
            answered = answered or _is_response(data)
            yield one_line(data)
    if not answered:
        raise failures.broken_off(
            connection.endpoint, failures.correlation(response.getheader("X-Correlation-ID"))
        )


def _is_response(data: bytes) -> bool:
    return len(data) > _LARGEST_NOTIFICATION or "method" not in (failures.json_object(data) or {"method": ""})


def _whole(connection: Connection, response: HTTPResponse, request_id: Any) -> bytes:
    """The body of an answer in one piece; a refusal without a JSON-RPC error raises what it means."""
    content = connection.read(response)
    if response.status == http.HTTPStatus.OK:
        if content[:1] != b"{":
            raise failures.not_the_protocol(connection.endpoint, "its answer is not JSON-RPC")
        return one_line(content)
    message = failures.json_object(content) or {}
    error = message.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return encoded({"jsonrpc": "2.0", "id": request_id, "error": error})
    details = failures.correlation(response.getheader("X-Correlation-ID"))
    raise failures.http_status(
        connection.endpoint, response.status, response.getheader("Retry-After"), details
    )
