"""What results of today look like to clients of older protocol revisions; nothing in them is lost.

Structured content is an object from 2025-06-18 on, and was not known before; since 2026-07-28 it is any JSON.
Where it does not fit it goes as text, unless the server has put it into a text already, as it should. Links
to resources are known from 2025-06-18 on; before, the text says where the resource is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, SERVER_INFO_META_KEY
from mcp_types.version import is_version_at_least

from docgen_orchestrator.offer import Item

_STRUCTURED = "2025-06-18"


def for_older(method: str, version: str, result: dict[str, Any]) -> dict[str, Any]:
    """``result`` of ``method`` as a client of ``version`` can take it. Raises MCPError."""
    if result.get("resultType", "complete") != "complete":
        raise MCPError(INTERNAL_ERROR, "The server asks for input, which this client's protocol cannot carry")
    result = _without_its_server(result)
    structured = is_version_at_least(version, _STRUCTURED)
    if method == "tools/list":
        return {**result, "tools": [_tool(tool, structured) for tool in result["tools"]]}
    if method == "tools/call":
        return _called(result, structured)
    if method == "prompts/get" and not structured:
        messages = result.get("messages")
        return {**result, "messages": [_message(message) for message in messages or ()]}
    return result


def _without_its_server(result: dict[str, Any]) -> dict[str, Any]:
    """Whatever server answered, callers talk to this one; older results do not say who it is."""
    meta = result.get("_meta")
    if not isinstance(meta, dict) or SERVER_INFO_META_KEY not in meta:
        return result
    kept = {name: value for name, value in meta.items() if name != SERVER_INFO_META_KEY}
    return {**result, "_meta": kept} if kept else {key: it for key, it in result.items() if key != "_meta"}


def _tool(tool: Item, structured: bool) -> Item:
    schema = tool.get("outputSchema")
    if schema is None or (structured and isinstance(schema, Mapping) and schema.get("type") == "object"):
        return tool
    return {name: value for name, value in tool.items() if name != "outputSchema"}


def _called(result: dict[str, Any], structured: bool) -> dict[str, Any]:
    content = result.get("content")
    if not structured and isinstance(content, list):
        content = [_linked(block) for block in content]
        result = {**result, "content": content}
    if "structuredContent" not in result or (structured and isinstance(result["structuredContent"], dict)):
        return result
    shown = {name: value for name, value in result.items() if name != "structuredContent"}
    return shown if content else {**shown, "content": [_text(json.dumps(result["structuredContent"]))]}


def _message(message: Any) -> Any:
    return {**message, "content": _linked(message.get("content"))} if isinstance(message, dict) else message


def _linked(block: Any) -> Any:
    """A text in the place of a link."""
    if not isinstance(block, dict) or block.get("type") != "resource_link":
        return block
    return _text(f"{block.get('title') or block.get('name')}: {block.get('uri')}")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
