"""The HTTP connection under a vendor's SDK: one way out, no environment, bounded in bytes and silence."""

import importlib
import ssl
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import anyio.to_thread
import httpx2

from docgen_main.language_models.failures import ModelError

#: More than any section needs; a provider that sends more is not answering.
MOST_BYTES = 8 * 2**20
CONNECT_S = 10.0
_CONNECTIONS = 8


class OverflowingError(httpx2.ReadError):
    """The provider sends more than any answer needs."""


class Connection:
    """Makes one httpx2 client when it is first needed, and closes it.

    `proxy` is the egress proxy. The environment is never consulted, redirects are never followed (a key must
    not travel to where nobody configured it), and nothing that is packed is unpacked.
    """

    def __init__(self, proxy: str | None, *, silence_s: float, trust: ssl.SSLContext | None = None) -> None:
        self._proxy = proxy
        self._silence_s = silence_s
        self._trust = trust
        self._client: httpx2.AsyncClient | None = None

    def client(self) -> httpx2.AsyncClient:
        """The client, for as long as the provider is open."""
        if self._client is None:
            transport = httpx2.AsyncHTTPTransport(
                verify=self._trust or ssl.create_default_context(),
                trust_env=False,
                proxy=self._proxy,
                limits=httpx2.Limits(max_connections=_CONNECTIONS),
            )
            self._client = httpx2.AsyncClient(
                transport=_Bounded(transport, self.timeout()),
                trust_env=False,
                follow_redirects=False,
                timeout=self.timeout(),
            )
        return self._client

    def timeout(self) -> httpx2.Timeout:
        """Bounds of each step; the whole section is bounded by who asks."""
        return httpx2.Timeout(self._silence_s, connect=CONNECT_S)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class _Bounded(httpx2.AsyncBaseTransport):
    """Counts what an answer brings, before anybody collects it; some SDKs would wait for ever."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, timeout: httpx2.Timeout) -> None:
        self._transport = transport
        self._timeout = timeout

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        request.extensions["timeout"] = self._timeout.as_dict()
        response = await self._transport.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise OverflowingError("the answer is packed")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Counted(response.stream)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for part in self._stream:
            left -= len(part)
            if left < 0:
                raise OverflowingError("the answer is too long")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def imported(name: str) -> ModuleType:
    """A vendor's SDK. The first import takes a second, which the event loop does not wait for."""
    return await anyio.to_thread.run_sync(importlib.import_module, name)


def broken(error: BaseException, *, begun: bool) -> ModelError:
    """What an error of the wire or of reading an answer means; `begun` is whether any of it had arrived."""
    for cause in _causes(error):
        if isinstance(cause, ModelError):
            return cause
        if isinstance(cause, OverflowingError):
            return ModelError("its answer is too long or packed", billed=True)
        if isinstance(cause, httpx2.ProxyError):
            return ModelError("the egress proxy does not let it through")
        if isinstance(cause, httpx2.ConnectTimeout | httpx2.ConnectError):
            return ModelError("it cannot be reached", repeatable=True)
        if isinstance(cause, httpx2.TimeoutException):
            return ModelError("it fell silent", billed=True)
        if isinstance(cause, httpx2.TransportError):
            # Before anything arrived it is safe to ask again; a cut answer goes to the next model.
            reason = "its answer was cut" if begun else "the connection broke"
            return ModelError(reason, repeatable=not begun, billed=True)
    return ModelError("its answer cannot be understood", billed=True)


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def count(value: Any) -> int | None:
    """A number of tokens, if it is one: SDKs pass on whatever a server sends."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
