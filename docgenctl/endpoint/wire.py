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
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_META = "io.modelcontextprotocol/"
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|")
_ENCODED = re.compile(r"=\?base64\?.*\?=")


def encode(
    method: str, params: Mapping[str, Any], request_id: int, *, progress: bool
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request; with `progress` the server may report on it under the request's id."""
    meta: dict[str, Any] = {
        _META + "protocolVersion": PROTOCOL_VERSION,
        _META + "clientInfo": {"name": "docgenctl", "version": __version__},
        _META + "clientCapabilities": {},
    }
    if progress:
        meta["progressToken"] = request_id
    body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": PROTOCOL_VERSION,
        "Mcp-Method": method,
    }
    if method in _NAMED:
        headers["Mcp-Name"] = header_value(str(params[_NAMED[method]]))
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(), headers


def header_value(text: str) -> str:
    """The text as a header can carry it: visible ASCII as it is, anything else as `=?base64?…?=`."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
