"""One session with tasks, by each official client: what to do, and what it saw, in the same words.

The Python client takes extensions: one that claims results of the type ``task``, and requests with a
``name_param`` for ``tasks/*``, is all that is public and all that is needed. The TypeScript client has an
extension package, which is given a way past the client (``typescript/tasks.mjs``).
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

from mcp import Client
from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, Request, RequestParams, Result
from pydantic import ConfigDict

from tests.servers.npm_packages import node
from tests.servers.wire import TASKS
from tests.typescript_clients import PINS, place

PROGRAM = PINS / "tasks.mjs"
CLIENTS = ("python", "typescript")

#: What to do with `task_tools`: twelve tasks at once, each with its own label, and a question.
JOBS: dict[str, Any] = {
    "callers": 12,
    "work": {"name": "jobs_work", "arguments": {"label": "LABEL"}},
    "goOn": {"name": "jobs_go_on", "arguments": {"label": "LABEL"}},
    "ask": {"name": "jobs_ask", "arguments": {}},
    "answer": {"colour": "green"},
    "plain": {"name": "jobs_stopped", "arguments": {}},
    "after": {"name": "jobs_stopped", "arguments": {}},
}

#: Opens a connected client; what is given goes to `Client`.
Open = Callable[..., AbstractAsyncContextManager[Client]]


class Begun(Result):
    """The answer to a call that has become a task."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    status_message: str | None = None
    poll_interval_ms: float = 500


class Task(Result):
    """What ``tasks/get`` answers."""

    model_config = ConfigDict(extra="allow")

    task_id: str
    status: str
    status_message: str | None = None
    poll_interval_ms: float = 500
    input_requests: dict[str, Any] | None = None
    result: CallToolResult | None = None
    error: dict[str, Any] | None = None


class TaskParams(RequestParams):
    task_id: str


class UpdateParams(TaskParams):
    input_responses: dict[str, Any]


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    name_param = "taskId"


class CancelTask(Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    name_param = "taskId"


class UpdateTask(Request[UpdateParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    name_param = "taskId"


async def get(session: ClientSession, task_id: str) -> Task:
    return await session.send_request(GetTask(params=TaskParams(task_id=task_id)), Task)


async def update(session: ClientSession, task_id: str, responses: dict[str, Any]) -> None:
    params = UpdateParams(task_id=task_id, input_responses=responses)
    await session.send_request(UpdateTask(params=params), Result)


async def cancel(session: ClientSession, task_id: str) -> None:
    await session.send_request(CancelTask(params=TaskParams(task_id=task_id)), Result)


class Tasks(ClientExtension):
    """Follows each task to its end, so that ``Client.call_tool`` gives what a plain call would give."""

    identifier = TASKS

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told
        #: What each task was seen to be, by its id; and the questions that came with tasks.
        self.heard: dict[str, list[Sequence[str | None]]] = {}
        self.questions: list[Sequence[str]] = []
        #: Called with each status message that says something.
        self.on_message: Callable[[str], Any] | None = None

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Begun, resolve=self.follow)]

    async def follow(self, begun: Begun, context: ClaimContext) -> CallToolResult:
        heard = self.heard[begun.task_id] = [(begun.status, begun.status_message)]
        while True:
            await asyncio.sleep(begun.poll_interval_ms / 1000)
            task = await get(context.session, begun.task_id)
            heard.append((task.status, task.status_message))
            if self.on_message and task.status_message:
                await self.on_message(task.status_message)
            if task.status == "input_required":
                await self.answer(task, context.session)
            if task.result is not None:
                return task.result
            assert task.error is None, task

    async def answer(self, task: Task, session: ClientSession) -> None:
        requests = task.input_requests or {}
        self.questions += [("task", request["params"]["message"]) for request in requests.values()]
        content = ElicitResult(action="accept", content=self.told["answer"])
        answered = content.model_dump(by_alias=True, mode="json", exclude_none=True)
        await update(session, task.task_id, dict.fromkeys(requests, answered))


def jobs(label: str, **more: Any) -> dict[str, Any]:
    """`JOBS`, told apart by ``label``."""
    return {**JOBS, "label": label, "hang": {"name": "jobs_hang", "arguments": {"label": label}}, **more}


def check_jobs(found: Mapping[str, Any], label: str) -> None:
    """Whether all of `jobs` went as it should."""
    assert found["version"] == "2026-07-28"
    assert [one["kind"] for one in found["worked"]] == ["task"] * 12
    for one in found["worked"]:
        # What a client sees depends on when it looks; that it waits between the two steps does not.
        statuses, messages = zip(*one["heard"], strict=True)
        assert set(statuses[:-1]) == {"working"}, one
        assert statuses[-1] == "completed", one
        assert set(messages) - {None} == {f"1 of 2: {one['label']}", f"2 of 2: {one['label']}"}, one
        assert one["last"] == f"2 of 2: {one['label']}"
        assert one["structured"] == {"result": f"worked for {one['label']}"}
    assert len({one["id"] for one in found["worked"]}) == 12
    assert found["asked"] == {"kind": "task", "structured": {"result": "chose green"}}
    assert found["questions"] == [["task", "Which colour?"]]
    assert found["cancelled"] == {"kind": "task", "outcome": "cancelled", "status": "cancelled"}
    assert label in found["after"]["result"]
    assert found["plain"] == "immediate"


async def by_python(open_client: Open, mode: str, **told: Any) -> dict[str, Any]:
    """What the Python client saw, as ``tasks.mjs`` tells it."""

    async def person(_: Any, params: ElicitRequestParams) -> ElicitResult:
        tasks.questions.append(("request", params.message))
        return ElicitResult(action="accept", content=told["answer"])

    tasks = Tasks(told)
    async with open_client(mode, extensions=[tasks], elicitation_callback=person) as client:
        found: dict[str, Any] = {"version": client.protocol_version}
        labels = [f"{told['label']} {number}" for number in range(told["callers"])]
        if go_on := told.get("goOn"):

            async def on_message(message: str) -> None:
                label = message.partition(": ")[2]
                await client.call_tool(**_of(label, go_on))

            tasks.on_message = on_message
        found["worked"] = await asyncio.gather(*(_worked(client, tasks, told, label) for label in labels))
        if ask := told.get("ask"):
            found["asked"] = await _asked(client, tasks, ask)
        if hang := told.get("hang"):
            found["cancelled"] = await _cancelled(client.session, hang)
        if foreign := told.get("foreign"):
            found["refused"] = [code async for code in _refused(client.session, foreign)]
        if plain := told.get("plain"):
            found["plain"] = _kind(await client.session.call_tool(**plain, allow_claimed=True))
        if after := told.get("after"):
            found["after"] = (await client.call_tool(**after)).structured_content
    return {**found, "questions": [list(each) for each in tasks.questions]}


async def _worked(client: Client, tasks: Tasks, told: Mapping[str, Any], label: str) -> dict[str, Any]:
    begun = await client.session.call_tool(**_of(label, told["work"]), allow_claimed=True)
    if not isinstance(begun, Begun):
        return {"label": label, "kind": "immediate", "structured": begun.structured_content}
    context = ClaimContext(session=client.session, tool_name=told["work"]["name"], read_timeout_seconds=None)
    result = await tasks.follow(begun, context)
    heard = tasks.heard[begun.task_id]
    return {
        "label": label,
        "kind": "task",
        "heard": [list(each) for each in heard],
        "id": begun.task_id,
        "last": heard[-1][1],
        "structured": result.structured_content,
    }


async def _asked(client: Client, tasks: Tasks, call: Mapping[str, Any]) -> dict[str, Any]:
    before = len(tasks.heard)
    result = await client.call_tool(**call)
    kind = "task" if len(tasks.heard) > before else "immediate"
    return {"kind": kind, "structured": result.structured_content}


async def _cancelled(session: ClientSession, call: Mapping[str, Any]) -> dict[str, Any]:
    begun = await session.call_tool(**call, allow_claimed=True)
    assert isinstance(begun, Begun), begun
    await cancel(session, begun.task_id)
    status = (await get(session, begun.task_id)).status
    return {"kind": "task", "outcome": status, "status": status}


async def _refused(session: ClientSession, task_id: str) -> AsyncIterator[int | None]:
    for asking in (get(session, task_id), update(session, task_id, {}), cancel(session, task_id)):
        code = None
        try:
            await asking
        except MCPError as error:
            code = error.code
        yield code


def _kind(result: Result) -> str:
    return "task" if isinstance(result, Begun) else "immediate"


def _of(label: str, call: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(call).replace("LABEL", label))
    return found


def by_typescript(environ: Mapping[str, str], mode: str, **told: Any) -> dict[str, Any]:
    """What the TypeScript client saw. Skips the test where npm cannot be reached, but in CI."""
    folder = place()
    # Modules are looked for beside the program, and what comes on standard input stands in this folder.
    done = subprocess.run(
        [node(folder), "--input-type=module", "-", json.dumps({**told, "mode": mode})],
        input=PROGRAM.read_text(),
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("errors") == [], found
    return found
