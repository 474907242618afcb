"""One kept-alive TLS connection to the gateway.

Theory of operation. A name such as `localhost` has several addresses, and what listens at one of them may
not be ours; so each address is tried with connect *and* handshake, and the first that proves itself wins.
A connection is used again only after its last answer was read to the end. A server may close it in
between: then its socket has become readable (an end of file is), which is looked at before each use. The
small rest of that race is repeated once for requests that may be repeated, and told for those that may not.
Plain HTTP is impossible by construction: the only way to get a socket is the handshake.
"""

import http.client
import select
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from docgenctl.endpoint import failures
from docgenctl.endpoint.address import Endpoint
from docgenctl.model.errors import NotHealthyError

_CONNECT_TIMEOUT_S = 5.0
_LARGEST_ANSWER = 64 * 1024 * 1024
_BLOCK = 64 * 1024
_BROKEN = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _TlsConnection(http.client.HTTPConnection):
    """http.client's connection over a socket that has proved itself."""

    default_port = 443

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(endpoint.host, endpoint.port, timeout=timeout_s)
        self._context = context
        self._silence_s = timeout_s

    def connect(self) -> None:
        """Try every address of the host; raises the most telling error of all attempts."""
        errors: list[OSError] = []
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in addresses:
            try:
                self.sock = self._attempt(socket.socket(family, kind, protocol), address)
            except OSError as error:
                errors.append(error)
                continue
            return
        raise max(errors, key=lambda error: isinstance(error, ssl.SSLError))

    def _attempt(self, plain: socket.socket, address: Any) -> ssl.SSLSocket:
        try:
            plain.settimeout(min(_CONNECT_TIMEOUT_S, self._silence_s))
            plain.connect(address)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            proved = self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        proved.settimeout(self._silence_s)
        return proved


class Connection:
    """Requests to one endpoint, one at a time; not for several threads at once, but for `abort`.

    `timeout_s` bounds silence, not the whole answer: it starts anew with every byte that arrives.
    `context` is what `trust` made for the endpoint; without one, each connection makes its own.
    """

    def __init__(
        self, endpoint: Endpoint, *, timeout_s: float, context: ssl.SSLContext | None = None
    ) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._context = context
        self._connection: _TlsConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self._aborted = False

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool,
    ) -> http.client.HTTPResponse:
        """Send it and return the answer's head; the body must be read to its end, or `close()` called.

        Raises NotHealthyError: `unreachable`, `tls`, `ca_missing`, `connection_closed`, `timed_out` or
        `protocol`.
        """
        reused = self.alive()
        try:
            return self._send(method, path, body, headers or {})
        except _BROKEN:
            self.close()
            if not (reused and repeatable):
                raise failures.broken_off(self.endpoint, sent_bytes=len(body or b"")) from None
        try:
            return self._send(method, path, body, headers or {})
        except _BROKEN:
            self.close()
            raise failures.broken_off(self.endpoint, sent_bytes=len(body or b"")) from None

    def read(self, response: http.client.HTTPResponse) -> bytes:
        """The whole body. Raises NotHealthyError like `request`."""
        blocks: list[bytes] = []
        size = 0
        while block := self.read_some(response):
            blocks.append(block)
            size += len(block)
            if size > _LARGEST_ANSWER:
                self.close()
                raise failures.not_the_protocol(self.endpoint, f"more than {_LARGEST_ANSWER} bytes")
        return b"".join(blocks)

    def read_some(self, response: http.client.HTTPResponse) -> bytes:
        """What has arrived of the body, waiting for at least one byte; empty at its end."""
        try:
            block = response.read1(_BLOCK)
        except TimeoutError:
            self.close()
            raise failures.silent(self.endpoint, self.timeout_s) from None
        except (OSError, http.client.HTTPException):
            raise self._broken_off(response) from None
        except BaseException:
            self.close()
            raise
        # read1 takes a body that ends before its Content-Length for a complete one.
        if not block and response.length:
            raise self._broken_off(response)
        if not block:
            # read1 leaves an answer open whose length it has read; the connection would count as busy.
            response.close()
        return block

    def finish(self, response: http.client.HTTPResponse, within_s: float) -> None:
        """Read what is left of an answer that said all it had to, so that the connection can be used again.

        Closes the connection when the end does not come in time.
        """
        connection = self._connection
        if connection is None or connection.sock is None:
            return
        connection.sock.settimeout(within_s)
        try:
            if not self.read_some(response):
                connection.sock.settimeout(self.timeout_s)
                return
        except NotHealthyError:
            pass
        self.close()

    def close(self) -> None:
        """Close the socket; the next request opens another. To a server this cancels what still runs."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._response is not None:
            # http.client parts with an answer that ends its connection, so it is closed by itself.
            self._response.close()
            self._response = None

    def abort(self) -> None:
        """From any thread, for good: whoever waits here is told `connection_closed`, the server sees the end.

        A connect under way comes to its own end first, within its few seconds.
        """
        self._aborted = True  # before looking: `_open` sets the socket, then looks at this
        if self._socket is not None:
            with suppress(OSError):
                # The plain one: SSLSocket's own would take the TLS state from under the reading thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _broken_off(self, response: http.client.HTTPResponse) -> NotHealthyError:
        self.close()
        return failures.broken_off(
            self.endpoint, failures.correlation(response.getheader("X-Correlation-ID"))
        )

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        connection = self._open()
        try:
            self._response = self._exchange(connection, method, path, body, headers)
            return self._response
        except _BROKEN:
            raise
        except TimeoutError:
            self.close()
            raise failures.silent(self.endpoint, self.timeout_s) from None
        except ssl.SSLError as error:
            self.close()
            raise failures.tls_failed(self.endpoint, error) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise failures.not_the_protocol(self.endpoint, type(error).__name__) from None
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _exchange(
        connection: _TlsConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        try:
            connection.request(method, path, body=body, headers=dict(headers))
        except _BROKEN as error:
            # A gateway that finds the body too large says so and hangs up without having read it.
            with suppress(OSError, http.client.HTTPException):
                return connection.getresponse()
            raise error from None
        return connection.getresponse()

    def alive(self) -> bool:
        """Whether there is an open connection that can carry another request; drops it when not."""
        if self._connection is None or self._connection.sock is None:
            self._connection = None
            return False
        poll = select.poll()
        poll.register(self._connection.sock, select.POLLIN)
        if poll.poll(0):
            self.close()
            return False
        return True

    def _open(self) -> _TlsConnection:
        if self._connection is not None and self._connection.sock is not None:
            return self._connection
        connection = _TlsConnection(self.endpoint, self._trust(), self.timeout_s)
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise failures.tls_failed(self.endpoint, error) from None
        except OSError as error:
            raise failures.unreachable(self.endpoint, error) from None
        self._connection, self._socket = connection, connection.sock
        if self._aborted:
            self.close()
            raise failures.broken_off(self.endpoint)
        return connection

    def _trust(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = trust(self.endpoint)
        return self._context


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Trusts the project's own root and nothing else. Raises NotHealthyError (`ca_missing`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(endpoint.ca_file)
    except OSError as error:
        raise failures.no_trust(endpoint, error) from None
    return context
