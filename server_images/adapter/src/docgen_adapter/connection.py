"""A connection to a server whose revision has been agreed on, and requests on it.

The SDK's client session negotiates (2026-07-28 by `server/discover`, older revisions by `initialize`) and
answers what the server asks of its client: `ping` with a pong, sampling, elicitation and roots with an error,
since none is declared. Requests go past it, through the dispatcher that both share: that is where ids and
progress tokens are given out, so that no two callers can meet, and where a request that nobody waits for any
more is cancelled at the server. What is in parameters and results is not looked at on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from mcp.client._probe import negotiate_auto  # what the SDK's own client does at `mode="auto"`
from mcp.client._transport import TransportStreams
from mcp.client.session import ClientSession
from mcp.shared.dispatcher import CallOptions, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    encode_header_value,
)
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.transport_context import TransportContext
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    Implementation,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

NEGOTIATION_SECONDS = 30.0
"""How long a server may take from its start to the end of the negotiation."""

OnNotification = Callable[[Any], Awaitable[None]]
"""Takes a notification of the server, as one of the SDK's types."""

_ENVELOPE = (PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY)
_log = structlog.stdlib.get_logger("docgen.connection")


class NotMcpError(Exception):
    """What was started or reached does not speak MCP, or no revision that is spoken here; says why."""


class Connection:
    """A server that has said what it is."""

    def __init__(self, session: ClientSession, dispatcher: JSONRPCDispatcher[TransportContext]) -> None:
        self.session = session
        self._dispatcher = dispatcher

    @property
    def version(self) -> str:
        """The revision that was agreed on."""
        return str(self.session.protocol_version)

    @property
    def modern(self) -> bool:
        """Whether that is 2026-07-28 or later."""
        return self.version in MODERN_PROTOCOL_VERSIONS

    def offers(self, capability: str) -> bool:
        """Whether the server declares a capability, such as `tools`."""
        return getattr(self.session.server_capabilities, capability, None) is not None

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        on_progress: ProgressFnT | None = None,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The result of a request, as the server made it. Raises MCPError.

        Being cancelled cancels it at the server. `name` is what `Mcp-Name` says over HTTP.
        """
        options: CallOptions = {"headers": self._headers(method, name, headers or {})}
        if on_progress is not None:
            options["on_progress"] = on_progress
        return await self._dispatcher.send_raw_request(method, self._with_envelope(params), options)

    def _headers(self, method: str, name: str | None, more: Mapping[str, str]) -> dict[str, str]:
        headers = {MCP_PROTOCOL_VERSION_HEADER: self.version}
        if self.modern:
            headers |= {MCP_METHOD_HEADER: method, **more}
            if name is not None:
                headers[MCP_NAME_HEADER] = encode_header_value(name)
        return headers

    def _with_envelope(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with an envelope that the server's revision has."""
        raw = params.get("_meta")
        meta = {key: value for key, value in (raw or {}).items() if key != "progressToken"}
        if self.modern:
            meta = {CLIENT_CAPABILITIES_META_KEY: {}, **meta, PROTOCOL_VERSION_META_KEY: self.version}
        else:
            meta = {key: value for key, value in meta.items() if key not in _ENVELOPE}
        plain = {key: value for key, value in params.items() if key != "_meta"}
        return {**plain, "_meta": meta} if meta else plain


@asynccontextmanager
async def negotiated(streams: TransportStreams, on_notification: OnNotification) -> AsyncIterator[Connection]:
    """A connection on these streams. Raises NotMcpError."""
    dispatcher: JSONRPCDispatcher[TransportContext] = JSONRPCDispatcher(*streams)

    async def on_message(message: Any) -> None:
        if not isinstance(message, Exception):
            await on_notification(message)

    session = ClientSession(
        dispatcher=dispatcher,
        message_handler=on_message,
        client_info=Implementation(name="docgen-adapter", version="1"),
    )
    # Raised outside of the session, whose task group would make a group of it.
    async with session:
        failure = await _negotiate(session)
        if failure is None:
            connection = Connection(session, dispatcher)
            info = session.server_info
            _log.info("connected", revision=connection.version, program=info.name if info else "")
            yield connection
    if failure is not None:
        raise NotMcpError(failure)


async def _negotiate(session: ClientSession) -> str | None:
    """Agree on a revision; what was wrong when there is none."""
    try:
        async with asyncio.timeout(NEGOTIATION_SECONDS):
            await negotiate_auto(session)
    except TimeoutError:
        return f"it did not say what it speaks within {NEGOTIATION_SECONDS:.0f} s"
    except MCPError as error:
        return error.message
    except (RuntimeError, ValidationError) as error:
        return f"it does not speak MCP as it should: {str(error).splitlines()[0]}"
    return None
