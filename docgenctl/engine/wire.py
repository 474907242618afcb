"""The Engine API spoken directly: for every call that only looks, and for connecting.

Theory of operation. Importing the Docker SDK takes longer than most of our commands need altogether, so what
asks, listens, reads logs or runs a check goes through the standard library's HTTP client; the SDK is opened
by the first call that changes something. Both speak to the same endpoint in the same API version.

Connections are kept and reused, one per thread that is inside a call at the same moment. The engine may have
closed a kept one meanwhile (it was restarted): then nothing of an answer arrives, and the call is made once
more on a new connection, if it is one that may be repeated. A connection on which anything went wrong is
never kept.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from docgenctl.engine.client import CALL_TIMEOUT_S, TlsMaterial
from docgenctl.engine.failures import from_answer
from docgenctl.model.errors import EngineError

if TYPE_CHECKING:
    import ssl

_GONE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)
_IDLE_KEPT = 8


class Wire:
    """Connections to one engine endpoint; safe to use from several threads.

    Args:
        address: `unix:///path` or `tcp://host:port`.
        api_version: the version in front of every path but `/version`.
        timeout_s: seconds without a byte after which a call is given up.
        tls: files to speak TLS with, None for an endpoint without.
    """

    def __init__(
        self,
        address: str,
        *,
        api_version: str,
        timeout_s: float = CALL_TIMEOUT_S,
        tls: TlsMaterial | None = None,
    ) -> None:
        self.address = address
        self.api_version = api_version
        self._timeout_s = timeout_s
        self._tls = _tls_context(tls) if tls else None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def get(self, action: str, path: str, **query: Any) -> Any:
        """The JSON that the engine answers to a GET. Raises EngineError that says what `action` failed."""
        return self._json(action, "GET", self._target(path, query), None)

    def post(self, action: str, path: str, body: Mapping[str, Any], **query: Any) -> Any:
        """The JSON that the engine answers to a POST. Raises EngineError."""
        return self._json(action, "POST", self._target(path, query), body)

    def ask(self, path: str, timeout_s: float) -> dict[str, Any] | None:
        """The JSON object at a bare path (`/version`), None when something else is answered.

        Raises PermissionError with what was said when the answer is a refusal (401, 403), and OSError or
        HTTPException when nothing is answered.
        """
        connection = self._connect(timeout_s)
        try:
            connection.request("GET", path, headers=self._headers())
            response = connection.getresponse()
            data = response.read()
            if response.status in (401, 403):
                raise PermissionError(_explanation(data).strip())
            answer = json.loads(data) if response.status == 200 else None
        except ValueError:
            return None
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else None

    @contextmanager
    def stream(
        self,
        action: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        silence_s: float | None = CALL_TIMEOUT_S,
        **query: Any,
    ) -> Iterator[Stream]:
        """An answer that is read as it arrives; POST when there is a body, else GET. Raises EngineError.

        `silence_s` is the longest wait for a byte, None for as long as it takes.
        """
        with _told(action):
            connection = self._connect(self._timeout_s)
            wired = connection.sock
            try:
                self._send(connection, "GET" if body is None else "POST", self._target(path, query), body)
                response = connection.getresponse()
                if response.status >= 400:
                    raise from_answer(action, response.status, _explanation(response.read()))
                with suppress(OSError):  # closed already: an answer without a body
                    wired.settimeout(silence_s)
            except BaseException:
                connection.close()
                raise
        stream = Stream(response, wired)
        try:
            yield stream
        finally:
            stream.end()  # and not the connection's close, which must not meet a reader in another thread

    def _json(self, action: str, method: str, target: str, body: Mapping[str, Any] | None) -> Any:
        with _told(action):
            status, data = self._exchange(method, target, body)
            if status >= 400:
                raise from_answer(action, status, _explanation(data))
            return json.loads(data) if data.strip() else None

    def _exchange(self, method: str, target: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            with suppress(*_GONE):
                return self._once(kept, method, target, body)
            if method != "GET":
                raise ConnectionResetError("the engine closed the connection")
        return self._once(self._connect(self._timeout_s), method, target, body)

    def _once(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        try:
            self._send(connection, method, target, body)
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            connection.close()
            raise
        with self._lock:
            keep = not response.will_close and len(self._idle) < _IDLE_KEPT
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()
        return response.status, data

    def _send(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: Mapping[str, Any] | None
    ) -> None:
        headers = self._headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, target, body=None if body is None else json.dumps(body), headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"User-Agent": "docgenctl", "Host": "docker" if self._is_unix() else self._host_and_port()}

    def _target(self, path: str, query: Mapping[str, Any]) -> str:
        told = {
            key: json.dumps(value) if isinstance(value, dict) else value
            for key, value in query.items()
            if value not in (None, "")
        }
        asked = f"?{urlencode(told)}" if told else ""
        return f"/v{self.api_version}{quote(path, safe='/:@')}{asked}"

    def _is_unix(self) -> bool:
        return self.address.startswith("unix:")

    def _host_and_port(self) -> str:
        return urlsplit(self.address).netloc

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        connection = self._new(timeout_s)
        connection.connect()
        return connection

    def _new(self, timeout_s: float) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        if self._is_unix():
            path = parts.netloc + parts.path
            return _UnixConnection(path if path.startswith("/") else f"/{path}", timeout_s)
        host, port = parts.hostname or "", parts.port or (2376 if self._tls else 2375)
        if self._tls is not None or parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)


class Stream:
    """An answer on its way. `end` stops the reader, in whichever thread it waits."""

    def __init__(self, response: http.client.HTTPResponse, wired: socket.socket) -> None:
        self._response = response
        self._wired = wired

    def read(self, amount: int) -> bytes:
        """At most that many bytes; empty at the end, however it came."""
        try:
            return self._response.read1(amount)
        except (http.client.HTTPException, OSError, ValueError):
            return b""

    def lines(self) -> Iterator[bytes]:
        """One line after the other, until the end, however it comes."""
        while True:
            try:
                line = self._response.readline()
            except (http.client.HTTPException, OSError, ValueError):
                return
            if not line:
                return
            yield line

    def end(self) -> None:
        """Hang up; a reader that waits sees the end."""
        with suppress(OSError):
            self._wired.shutdown(socket.SHUT_RDWR)
        self._wired.close()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path
        self._seconds = timeout_s

    def connect(self) -> None:
        """Connect to the path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._seconds)
        self.sock.connect(self._path)


@contextmanager
def _told(action: str) -> Iterator[None]:
    """Turn what the connection raises into the EngineError that the SDK's path raises too."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EngineError(
            f"cannot {action}: the connection to the engine failed ({type(error).__name__}: {error})",
            hint="docker version",
            code="stopped",
        ) from error


def _explanation(data: bytes) -> str:
    """The engine's sentence in an error's body."""
    text = data.decode(errors="replace")
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    return str(answer.get("message") or text) if isinstance(answer, dict) else text


def _tls_context(material: TlsMaterial) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context(cafile=material.ca or None)
    if not material.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if material.certificate and material.key:
        context.load_cert_chain(material.certificate, material.key)
    return context
