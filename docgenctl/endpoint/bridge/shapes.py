"""Results of revision 2026-07-28 as clients of the handshake revisions can read them; pure.

What newer revisions added is left out where leaving it out loses nothing, and said in text where it would.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.endpoint.wire import META

#: Oldest first: "before" is a comparison of places in here.
HANDSHAKE_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
NEWEST_HANDSHAKE = HANDSHAKE_REVISIONS[-1]

_ENVELOPE = ("resultType", "ttlMs", "cacheScope")
_RESOURCE_NOT_FOUND, _INVALID_PARAMS = -32002, -32602


def shaped(method: str, revision: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The result of `method` for a client that speaks `revision`."""
    result = {name: item for name, item in value.items() if name not in _ENVELOPE}
    meta = _without_server_info(result.pop("_meta", None))
    if meta:
        result["_meta"] = meta
    change = _CHANGES.get(method)
    return change(result, revision) if change else result


def shaped_error(method: str, error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An error as older revisions number it."""
    if method == "resources/read" and error.get("code") == _INVALID_PARAMS:
        return {**error, "code": _RESOURCE_NOT_FOUND}
    return error


def initialize_result(asked: Any, discovered: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `initialize`, made from that to `server/discover`."""
    found = discovered.get("capabilities")
    capabilities = {
        name: item
        for name, item in (found if isinstance(found, dict) else {}).items()
        if name not in ("extensions", "tasks", "experimental")
    }
    meta = discovered.get("_meta")
    info = meta.get(META + "serverInfo") if isinstance(meta, dict) else None
    result = {
        "protocolVersion": asked if asked in HANDSHAKE_REVISIONS else NEWEST_HANDSHAKE,
        "capabilities": capabilities,
        "serverInfo": info if isinstance(info, dict) else {"name": "docgenctl", "version": "0"},
    }
    if isinstance(text := discovered.get("instructions"), str):
        result["instructions"] = text
    return result


def change_notification(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a notification without the id of a stream that the client did not open."""
    meta = params.get("_meta")
    kept = {
        name: item
        for name, item in (meta if isinstance(meta, dict) else {}).items()
        if name != META + "subscriptionId"
    }
    return {**{n: i for n, i in params.items() if n != "_meta"}, **({"_meta": kept} if kept else {})}


def _without_server_info(meta: Any) -> dict[str, Any]:
    found = meta if isinstance(meta, dict) else {}
    return {name: item for name, item in found.items() if name != META + "serverInfo"}


def _before(revision: str, other: str) -> bool:
    return HANDSHAKE_REVISIONS.index(revision) < HANDSHAKE_REVISIONS.index(other)


def _tools(result: dict[str, Any], revision: str) -> dict[str, Any]:
    """Before 2025-06-18 there are no output schemas; until 2026-07-28 they are objects."""
    old = _before(revision, "2025-06-18")
    tools = result.get("tools")
    return {**result, "tools": [_tool(tool, old) for tool in tools]} if isinstance(tools, list) else result


def _tool(tool: Any, old: bool) -> Any:
    if not isinstance(tool, dict) or "outputSchema" not in tool:
        return tool
    schema = tool["outputSchema"]
    if not old and isinstance(schema, dict) and schema.get("type") == "object":
        return tool
    return {name: item for name, item in tool.items() if name != "outputSchema"}


def _called(result: dict[str, Any], revision: str) -> dict[str, Any]:
    old = _before(revision, "2025-06-18")
    if "structuredContent" in result and (old or not isinstance(result["structuredContent"], dict)):
        value = result.pop("structuredContent")
        if not result.get("content"):
            result["content"] = [{"type": "text", "text": json.dumps(value, ensure_ascii=False)}]
    content = result.get("content")
    if isinstance(content, list):
        result["content"] = [_block(block, revision) for block in content]
    return result


def _prompt(result: dict[str, Any], revision: str) -> dict[str, Any]:
    messages = result.get("messages")
    if isinstance(messages, list):
        result["messages"] = [
            {**one, "content": _block(one.get("content"), revision)} if isinstance(one, dict) else one
            for one in messages
        ]
    return result


def _block(block: Any, revision: str) -> Any:
    """A block of content of a kind that the revision knows: what else there is becomes text."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "resource_link" and _before(revision, "2025-06-18"):
        return {"type": "text", "text": f"{block.get('title') or block.get('name')}: {block.get('uri')}"}
    if kind == "audio" and _before(revision, "2025-03-26"):
        return {"type": "text", "text": f"(audio, {block.get('mimeType')})"}
    return block


_CHANGES: Mapping[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "tools/list": _tools,
    "tools/call": _called,
    "prompts/get": _prompt,
}
