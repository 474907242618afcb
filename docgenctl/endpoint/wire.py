"""Requests of protocol revision 2026-07-28: everything a server must know travels with each of them.

The revision, the method and the name of what is asked for stand in the headers, so that whatever lies on
the way can route and limit without parsing, and again in the body, which the server compares.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from docgenctl import __version__

PROTOCOL_VERSION = "2026-07-28"
#: Requests that name what they are about, and the parameter with the name.
NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
#: Asked twice they do nothing more than asked once; a tool may have done its work already.
REPEATABLE = frozenset(
    {
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "tasks/get",
        "subscriptions/listen",
    }
)
#: What the keys of `_meta` begin with that are the protocol's own.
META = "io.modelcontextprotocol/"
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|")
_ENCODED = re.compile(r"=\?base64\?.*\?=")


def encode(
    method: str, params: Mapping[str, Any], request_id: int, *, progress: bool
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request; with `progress` the server may report on it under the request's id."""
    meta: dict[str, Any] = {
        META + "protocolVersion": PROTOCOL_VERSION,
        META + "clientInfo": {"name": "docgenctl", "version": __version__},
        META + "clientCapabilities": {},
    }
    if progress:
        meta["progressToken"] = request_id
    enveloped = {**params, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": enveloped}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return text.encode(), headers(method, enveloped, PROTOCOL_VERSION)


def headers(method: str, params: Mapping[str, Any], version: str) -> dict[str, str]:
    """The headers of a request with these parameters, whose envelope names this revision."""
    found = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": header_value(version),
        "Mcp-Method": header_value(method),
    }
    if isinstance(name := params.get(NAMED.get(method, "")), str):
        found["Mcp-Name"] = header_value(name)
    return found


def header_value(text: str) -> str:
    """The text as a header can carry it: visible ASCII as it is, anything else as `=?base64?…?=`."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    encoded = base64.b64encode(text.encode(errors="replace")).decode()
    return f"=?base64?{encoded}?="
