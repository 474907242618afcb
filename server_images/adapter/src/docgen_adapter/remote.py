"""The HTTP client for a server at an address: no redirect to elsewhere, bounded answers, errors as answers.

The SDK's transport takes an exception of the HTTP client for the end of the connection, and with it of all
that is under way on it. So what goes wrong with one request is made an answer to that one: a JSON-RPC error
that says what was wrong.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from docgen_adapter.options import MOST_BYTES, Address

UNAVAILABLE = -32010
"""JSON-RPC error: the server cannot be reached, or broke off."""

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 3600.0  # calls have deadlines of their own, with whoever makes them
_REFUSALS = {
    401: "it refuses the key",
    403: "it refuses",
    407: "the proxy refuses",
    429: "it has too many requests",
}


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[TransportStreams]:
    """Streams to and from the server at an address."""
    async with (
        http_client(address) as client,
        streamable_http_client(address.url, http_client=client, max_sse_event_size=MOST_BYTES) as streams,
    ):
        yield streams


def http_client(address: Address) -> httpx2.AsyncClient:
    """A client that speaks to one address only by way of the proxy, if there is one."""
    context = ssl.create_default_context()
    if address.authorities is not None:
        context.load_verify_locations(address.authorities)
    transport = httpx2.AsyncHTTPTransport(verify=context, proxy=address.proxy, retries=0)
    return httpx2.AsyncClient(
        transport=Answering(transport),
        headers={**address.headers, **({"Authorization": f"Bearer {address.key}"} if address.key else {})},
        timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


class Answering(httpx2.AsyncBaseTransport):
    """Makes failures and refusals JSON-RPC errors, and cuts answers that are too large."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request and the head of its answer."""
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.ProxyError as error:
            return _error(502, f"the egress proxy did not let it through ({error})")
        except httpx2.TransportError as error:
            return _error(502, str(error).strip().lower() or type(error).__name__)
        if 300 <= response.status_code < 400:
            await response.aclose()
            return _error(502, "it redirects, which is not followed")
        kind = response.headers.get("content-type", "").lower()
        if (
            response.status_code >= 400
            and response.status_code != 404
            and not kind.startswith("application/json")
        ):
            await response.aclose()
            reason = _REFUSALS.get(response.status_code, f"it answered HTTP {response.status_code}")
            return _error(response.status_code, reason)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - of an asynchronous transport
        response.stream = _Bounded(response.stream, endless=kind.startswith("text/event-stream"))
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most `MOST_BYTES`, unless it is a stream of events, each of which is bounded elsewhere."""

    def __init__(self, inner: httpx2.AsyncByteStream, *, endless: bool) -> None:
        self._inner = inner
        self._endless = endless

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for part in self._inner:
                size += len(part)
                if size > MOST_BYTES and not self._endless:
                    raise _BrokenError("the answer is too large")
                yield part
        except httpx2.TransportError as error:
            raise _BrokenError(f"the answer broke off: {error}") from None

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BrokenError(httpx2.StreamError):
    """The body of an answer cannot be had; an error that the SDK takes for this answer's own."""


def _error(status: int, reason: str) -> httpx2.Response:
    message = f"The server cannot be reached: {reason}"
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": UNAVAILABLE, "message": message}}
    return httpx2.Response(status, headers={"content-type": "application/json"}, content=json.dumps(body))
