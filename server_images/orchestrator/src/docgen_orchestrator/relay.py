"""One request of a caller, carried to the server that it is for.

Parameters and results pass through as they are; what changes is the envelope. The protocol version becomes
the one spoken upstream; the caller's identity and capabilities go along (without a session a caller of an
older era has none that could be used there, so none are claimed); the progress token is replaced by one of
our own and mapped back, so that progress can only ever reach the request it belongs to. The caller's
credentials never leave this process.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docgen_common.auth import CALLER_HEADER, current_caller, current_grants
from docgen_common.correlation import current_correlation_id
from docgen_common.tasks import TASKS
from docgen_common.tool_access import NOT_GRANTED, not_granted
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import mcp_param_headers
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    HEADER_MISMATCH,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from docgen_orchestrator import task_ids
from docgen_orchestrator.backend import Backend
from docgen_orchestrator.catalog import HeldError, NotOfferedError
from docgen_orchestrator.failures import FAILED, failure_of
from docgen_orchestrator.granted import check_server, is_granted
from docgen_orchestrator.notes import passing_on
from docgen_orchestrator.session import claims
from docgen_orchestrator.trace import trace_of, traced
from docgen_orchestrator.upstream import WIRE_VERSION, Call, RpcError
from docgen_orchestrator.view import View

HELD = -32015
"""JSON-RPC error: the tool is held back until somebody accepts its changed definition."""

_INVALID_PARAMS = -32602
_LEGACY_RESOURCE_NOT_FOUND = -32002
_tokens = itertools.count(1)

Context = ServerRequestContext[Any, Any]


def is_modern(ctx: Context) -> bool:
    """Whether the caller speaks 2026-07-28 or later (stateless, with an envelope in each request)."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def relay(ctx: Context, view: View) -> dict[str, Any]:
    """The result of the server that ``ctx``'s request is for. Raises MCPError."""
    params = ctx.params or {}
    try:
        target = await _target(ctx, params, view)
        _check_granted(ctx.method, params, target.backend.name, view)
    except HeldError as error:
        raise _held(params, error) from None
    except NotOfferedError as error:
        raise MCPError(_not_found_code(ctx), str(error), _asked_for(ctx, params)) from None
    backend = target.backend
    envelope = _envelope(ctx)
    call = Call(
        method=ctx.method,
        params={**target.params, "_meta": envelope},
        name=target.name,
        headers={**target.headers, **_request_headers(envelope)},
        repeatable=ctx.method not in ("tools/call", "tasks/update"),
        timeout_s=target.timeout_s,
    )
    try:
        passing = passing_on(ctx, logs=LOG_LEVEL_META_KEY in envelope)
        result = await backend.call(call, passing, key_id=current_caller())
    except RpcError as error:
        raise MCPError(error.code, error.message, error.data) from None
    except FAILED as error:
        failure = failure_of(backend.name, error)
        raise MCPError(failure.code, failure.message, failure.data) from None
    about_task = ctx.method in task_ids.METHODS or result.get("resultType") == "task"
    return task_ids.for_callers(backend.name, result) if about_task else result


@dataclass(frozen=True)
class _Target:
    """Where a request goes, and what of it is another there: ``name`` is the value of ``Mcp-Name``."""

    backend: Backend
    params: Mapping[str, Any]
    name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None


async def _target(ctx: Context, params: Mapping[str, Any], view: View) -> _Target:
    """What the request of ``ctx`` is about. Raises NotOfferedError."""
    method = ctx.method
    if method in task_ids.METHODS:
        backend, own_id = _task_owner(ctx, params, view)
        return _Target(backend, {**params, "taskId": own_id}, own_id)
    if method == "tools/call":
        return await _tool_target(params, view)
    if method == "prompts/get":
        name = _text(params, "name")
        return _Target(await view.find(lambda catalog: catalog.prompt_owner(name)), params, name)
    if method == "resources/read":
        uri = _text(params, "uri")
        return _Target(await view.find(lambda catalog: catalog.resource_owner(uri)), params, uri)
    reference = params.get("ref")
    reference = reference if isinstance(reference, Mapping) else {}
    if reference.get("type") == "ref/prompt":
        name = _text(reference, "name")
        return _Target(await view.find(lambda catalog: catalog.prompt_owner(name)), params)
    uri = _text(reference, "uri")
    return _Target(await view.find(lambda catalog: catalog.template_owner(uri)), params)


async def _tool_target(params: Mapping[str, Any], view: View) -> _Target:
    name = _text(params, "name")
    tool = await view.find(lambda catalog: catalog.tool(name))
    return _Target(
        tool.backend,
        {**params, "name": tool.upstream_name},
        tool.upstream_name,
        _argument_headers(view, name, params.get("arguments")),
        tool.timeout_s,
    )


def _check_granted(method: str, params: Mapping[str, Any], server: str, view: View) -> None:
    """Raises MCPError or NotOfferedError when the caller's key may not do this. A task is its caller's."""
    grants = current_grants()
    if method == "tools/call":
        name = _text(params, "name")
        if not is_granted(view.catalog.tool(name), grants):
            raise MCPError(NOT_GRANTED, not_granted(name))
    elif method not in task_ids.METHODS:
        reference = params.get("ref")
        about = reference if isinstance(reference, Mapping) else params
        kind = "resource" if "uri" in about else "prompt"
        check_server(grants, server, f"{kind}: {about.get('uri', about.get('name'))}")


def _held(params: Mapping[str, Any], error: HeldError) -> MCPError:
    """The refusal of a tool that is held back, for those alone who could call it otherwise."""
    name = _text(params, "name")
    if not current_grants().allows_tool(error.server, name, read_only=False):
        return MCPError(NOT_GRANTED, not_granted(name))
    return MCPError(HELD, str(error), {"server": error.server})


def _task_owner(ctx: Context, params: Mapping[str, Any], view: View) -> tuple[Backend, str]:
    """The server of a task and its id there; what the server would refuse unseen is refused the same here."""
    require_client_extension(ctx, TASKS)
    if not task_ids.is_mirrored(ctx.request, params):
        raise MCPError(HEADER_MISMATCH, "The header Mcp-Name must be the task's id")
    found = task_ids.owner_of(_text(params, "taskId"), view.backends)
    if found is None:
        raise NotOfferedError("Unknown task: it is not yours, expired, or never was")
    return found


def _text(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str) or not value:
        raise MCPError(_INVALID_PARAMS, f"The parameter {key} must be text")
    return value


def _argument_headers(view: View, tool: str, arguments: Any) -> Mapping[str, str]:
    mirrored = view.catalog.param_headers(tool)
    return mcp_param_headers(mirrored, arguments) if mirrored and isinstance(arguments, Mapping) else {}


def _envelope(ctx: Context) -> dict[str, Any]:
    """The ``_meta`` of the request to the server."""
    raw = (ctx.params or {}).get("_meta")
    meta = dict(raw) if isinstance(raw, Mapping) else {}
    if not is_modern(ctx):
        for key in (CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY, LOG_LEVEL_META_KEY):
            meta.pop(key, None)
        meta.update(claims(ctx))
    meta[PROTOCOL_VERSION_META_KEY] = WIRE_VERSION
    if meta.get("progressToken") is not None:
        meta["progressToken"] = f"docgen-{next(_tokens)}"
    return traced(meta)


def _request_headers(envelope: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        "X-Correlation-ID": current_correlation_id(),
        "traceparent": trace_of(envelope),
        CALLER_HEADER: current_caller(),
    }
    return {name: value for name, value in headers.items() if value is not None}


def _not_found_code(ctx: Context) -> int:
    legacy_resource = ctx.method == "resources/read" and not is_modern(ctx)
    return _LEGACY_RESOURCE_NOT_FOUND if legacy_resource else _INVALID_PARAMS


def _asked_for(ctx: Context, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a client wants to find in the error: the URI of a resource that is not there."""
    return {"uri": params.get("uri")} if ctx.method == "resources/read" else None
