"""The extension as the SDK takes it: a look at each tool call, and the methods ``tasks/*``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field
from starlette.requests import Request

from docgen_common.auth import current_caller
from docgen_common.tasks.job import Job
from docgen_common.tasks.row import Task
from docgen_common.tasks.store import TasksFullError, TaskStore, UnknownTaskError

TASKS = "io.modelcontextprotocol/tasks"
"""The extension's identifier."""

RUNNING = 16
"""How many tasks are at work or wait for answers at once; further calls are answered plainly."""

LONGEST_SECONDS = 1800.0
"""How long a task may be at work without asking anything."""

_COMPLETE = {"resultType": "complete"}

Context = ServerRequestContext[Any, Any]


class TaskParams(RequestParams):
    """Names a task."""

    task_id: str = Field(max_length=1024)


class TaskUpdateParams(TaskParams):
    """Answers to a task's questions; what they look like is for the questions to say."""

    input_responses: dict[str, Any]


class Tasks(Extension):
    """Turns calls of ``tools`` (name to patience in seconds) that take longer into tasks of ``store``."""

    identifier = TASKS

    def __init__(
        self,
        tools: Mapping[str, float],
        store: TaskStore,
        *,
        running: int = RUNNING,
        longest_s: float = LONGEST_SECONDS,
        owner: Callable[[], str | None] = current_caller,
    ) -> None:
        self._tools = tools
        self._store = store
        self._most = running
        self._longest_s = longest_s
        self._owner = owner
        self._jobs: dict[str, Job] = {}
        self._following: set[asyncio.Task[None]] = set()

    def methods(self) -> Sequence[MethodBinding]:
        """``tasks/get``, ``tasks/update``, ``tasks/cancel``, on the 2026 wire only."""
        modern = frozenset(MODERN_PROTOCOL_VERSIONS)
        return (
            MethodBinding("tasks/get", TaskParams, self._get, modern),
            MethodBinding("tasks/update", TaskUpdateParams, self._update, modern),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, modern),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Context, call_next: CallNext
    ) -> HandlerResult:
        """Answer plainly what is quick, and with a task what is not."""
        patience = self._tools.get(params.name)
        if patience is None or not _declared(ctx) or not self._has_room():
            return await call_next(ctx)
        job = Job(params, ctx, call_next)
        if await job.within(patience):
            return job.result()
        try:
            task_id, task = self._store.create(self._owner(), params.name)
        except TasksFullError:
            await job.within(None)
            return job.result()
        self._jobs[task.key] = job
        self._follow(job, task)
        return {"resultType": "task", **task.wire(task_id)}

    async def close(self) -> None:
        """Stop all work; clients find it failed."""
        for task in list(self._following):
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        self._jobs.clear()

    def _has_room(self) -> bool:
        # Questions that nobody came back to answer would otherwise keep their places for ever.
        for key in [key for key in self._jobs if not self._store.keeps(key)]:
            self._jobs.pop(key).cancel()
        return len(self._jobs) < self._most

    def _follow(self, job: Job, task: Task) -> None:
        following = job.adopt(task, self._store, self._longest_s)
        self._following.add(following)

        def ended(done: asyncio.Task[None]) -> None:
            self._following.discard(done)
            if task.ended:
                self._jobs.pop(task.key, None)

        following.add_done_callback(ended)

    async def _get(self, ctx: Context, params: TaskParams) -> HandlerResult:
        return {**_COMPLETE, **self._find(ctx, params).details(params.task_id)}

    async def _update(self, ctx: Context, params: TaskUpdateParams) -> HandlerResult:
        task = self._find(ctx, params)
        job = self._jobs.get(task.key)
        if job is None or task.status != "input_required":
            return dict(_COMPLETE)
        try:
            settled = job.answer(task, params.input_responses)
        except ValueError:
            raise MCPError(INVALID_PARAMS, "An answer does not have the shape of one") from None
        if settled:
            task.status = "working"
            job.again()
            self._follow(job, task)
        self._store.save(task)
        return dict(_COMPLETE)

    async def _cancel(self, ctx: Context, params: TaskParams) -> HandlerResult:
        task = self._find(ctx, params)
        if not task.ended:
            task.status, task.input_requests = "cancelled", {}
            self._store.save(task)
            job = self._jobs.pop(task.key, None)
            if job is not None:
                job.cancel()
        return dict(_COMPLETE)

    def _find(self, ctx: Context, params: TaskParams) -> Task:
        require_client_extension(ctx, TASKS)
        headers = ctx.request.headers if isinstance(ctx.request, Request) else None
        if headers is not None and decode_header_value(headers.get(MCP_NAME_HEADER)) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "The header Mcp-Name must be the task's id")
        try:
            return self._store.find(params.task_id, self._owner())
        except UnknownTaskError:
            raise MCPError(INVALID_PARAMS, "Unknown task: it is not yours, expired, or never was") from None


def _declared(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    return capabilities is not None and TASKS in (capabilities.extensions or {})
