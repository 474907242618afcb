"""A tool call that goes on apart from the request that began it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams
from mcp_types.methods import is_input_required
from pydantic import BaseModel

from docgen_common.tasks.row import Task, told
from docgen_common.tasks.store import TaskStore

Context = ServerRequestContext[Any, Any]

_INTERNAL = -32603
_log = structlog.stdlib.get_logger("docgen.tasks")


class Job:
    """The work of one call, from its first try over its questions to its result."""

    def __init__(self, params: CallToolRequestParams, ctx: Context, call_next: CallNext) -> None:
        self._params = params
        self._call_next = call_next
        self._telling = _Telling(ctx.session)
        self._ctx = replace(ctx, session=cast("ServerSession", self._telling))
        self._answers: dict[str, Any] = {}
        self._state: str | None = None
        self._run = asyncio.create_task(self._tried())

    async def within(self, seconds: float | None) -> bool:
        """Whether the call ends in that time (None: wait for it). Cancelling this cancels the call."""
        if seconds == 0:
            return False
        try:
            await asyncio.wait({self._run}, timeout=seconds)
        except asyncio.CancelledError:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
            raise
        return self._run.done()

    def result(self) -> HandlerResult:
        """What the call came to, once it ended. Raises what it raised."""
        return self._run.result()

    def adopt(self, task: Task, store: TaskStore, seconds: float) -> asyncio.Task[None]:
        """Go on as ``task``, for ``seconds`` at most for each stretch of work."""
        task.message = self._telling.latest
        self._telling.note = lambda message: store.note(task, message)
        return asyncio.create_task(self._followed(task, store, seconds))

    def answer(self, task: Task, responses: Mapping[str, Any]) -> bool:
        """Take answers to questions that are open; says whether none is left. Raises ValueError."""
        known = {key: value for key, value in responses.items() if key in task.input_requests}
        read = CallToolRequestParams.model_validate({"name": task.tool, "inputResponses": known})
        self._answers.update(read.input_responses or {})
        for key in known:
            del task.input_requests[key]
        return not task.input_requests

    def again(self) -> None:
        """Try the call again with the answers."""
        # The handler behind is bound to this very object, so the answers go into it.
        self._params.input_responses, self._params.request_state = self._answers, self._state
        self._answers = {}
        self._run = asyncio.create_task(self._tried())

    def cancel(self) -> None:
        """Stop the work."""
        self._run.cancel()

    async def _tried(self) -> HandlerResult:
        return await self._call_next(self._ctx)

    async def _followed(self, task: Task, store: TaskStore, seconds: float) -> None:
        """Bring what the work comes to into the row."""
        try:
            async with asyncio.timeout(seconds):
                result = _wire(await self._run)
        except TimeoutError:
            task.fail(_INTERNAL, f"The call took longer than {seconds:g} s")
        except MCPError as error:
            task.fail(error.code, error.message, error.data)
        except asyncio.CancelledError:
            self._run.cancel()
            if not task.ended:  # nobody asked for it, so it is the server that stops
                task.fail(_INTERNAL, "The server was stopped while this was at work; call the tool again")
        except Exception:  # noqa: BLE001 - a task must end, whatever its call raises; the client is told nothing
            _log.exception("task failed", tool=task.tool)
            task.fail(_INTERNAL, "Internal server error")
        else:
            self._take(task, result)
        store.save(task)
        _log.info("task", tool=task.tool, status=task.status)

    def _take(self, task: Task, result: dict[str, Any]) -> None:
        if task.ended:
            return
        if not is_input_required(result):
            task.complete(result)
            return
        requests = result.get("inputRequests")
        self._state = result.get("requestState")
        task.input_requests = dict(requests) if isinstance(requests, Mapping) else {}
        task.status = "input_required"


class _Telling:
    """The session as the tool sees it: progress goes to the caller, and to the task once there is one."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self.latest: str | None = None
        self.note: Callable[[str], None] | None = None

    async def report_progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        if self.note is None:
            self.latest = told(progress, total, message)
            await self._session.report_progress(progress, total, message)
        else:
            self.note(told(progress, total, message))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def _wire(result: HandlerResult) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})
