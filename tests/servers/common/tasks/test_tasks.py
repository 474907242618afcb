"""Long calls as tasks, over the wire of a real server."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from docgen_common.app import create_app
from docgen_common.settings import ServerSettings
from docgen_common.tasks import Tasks, TaskStore
from docgen_common.tool_server import ToolServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

from tests.servers.github.serving import served
from tests.servers.wire import Wire

pytestmark = pytest.mark.anyio

KEYS = {name: f"dgk_{name}-of-the-tests-of-tasks-00000000000000000000" for name in ("ann", "bob")}
AT_ONCE = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Colour(BaseModel):
    """What the person said."""

    colour: str


def ask_colour() -> Elicit[Colour]:
    return Elicit(message="Which colour?", schema=Colour)


class Hosted:
    """A server with tasks; its tools wait for ``go``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.go = asyncio.Event()
        self.cancelled: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def caller(self, name: str = "ann") -> AsyncIterator[Wire]:
        headers = {"Authorization": f"Bearer {KEYS[name]}"}
        base = f"http://127.0.0.1:{self.port}"
        async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=20) as http:
            yield Wire(http)

    def settings(self) -> ServerSettings:
        keys = [
            {
                "id": name,
                "sha256": hashlib.sha256(key.encode()).hexdigest(),
                "scopes": ["*"],
                "created": "2026-01-01T00:00:00Z",
                "expires": None,
            }
            for name, key in KEYS.items()
        ]
        (self.folder / "api-keys.json").write_text(json.dumps({"version": 1, "keys": keys}))
        return ServerSettings.from_environment(
            {
                "DOCGEN_SERVER": "probe",
                "DOCGEN_SECRETS_DIR": str(self.folder),
                "DOCGEN_CONFIG_DIR": str(self.folder),
            }
        )

    def tools(self, tasks: Tasks) -> ToolServer:
        mcp = ToolServer("probe", extensions=[tasks])

        @mcp.tool(description="Waits.")
        async def wait(label: str, ctx: Context) -> str:
            await ctx.report_progress(1, 2, "half")
            try:
                while not self.go.is_set():
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.cancelled.append(label)
                raise
            return label

        @mcp.tool(description="Ends at once.")
        async def quick(ctx: Context) -> str:
            return "done"

        @mcp.tool(description="Waits, although it never becomes a task.")
        async def plain() -> str:
            return "plain"

        @mcp.tool(description="Asks first.")
        async def ask(answer: Annotated[Colour, Resolve(ask_colour)]) -> str:
            return f"chose {answer.colour}"

        @mcp.tool(description="Fails as tools do.")
        async def wrong() -> str:
            raise ValueError("the inside")

        @mcp.tool(description="Gives a lot.")
        async def big() -> str:
            return "x" * (2 << 20)

        return mcp


PATIENCE = {"wait": 0.05, "quick": 5.0, "ask": 0.0, "wrong": 0.0, "big": 0.0}


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    host = Hosted(tmp_path)
    tasks = Tasks(PATIENCE, TaskStore(tmp_path / "tasks"), running=AT_ONCE)
    with served(create_app(host.tools(tasks), host.settings())) as host.port:
        yield host
        host.go.set()


async def test_a_slow_call_becomes_a_task_that_survives_its_request_and_ends_with_the_result(
    hosted: Hosted,
) -> None:
    async with hosted.caller() as ann:
        made = await ann.call("wait", {"label": "a"})
        assert made["resultType"] == "task"
        assert len(made["taskId"]) >= 43
    async with hosted.caller() as ann:
        task = await ann.result("tasks/get", {"taskId": made["taskId"]})
        assert (task["resultType"], task["status"], task["statusMessage"]) == (
            "complete",
            "working",
            "1 of 2: half",
        )
        hosted.go.set()
        task = await ann.until(made["taskId"], "completed")
    assert task["result"]["structuredContent"] == {"result": "a"}
    assert task["createdAt"] <= task["lastUpdatedAt"]
    assert task["ttlMs"] == 3_600_000


async def test_quick_calls_other_tools_and_callers_without_the_extension_are_answered_plainly(
    hosted: Hosted,
) -> None:
    hosted.go.set()
    async with hosted.caller() as ann:
        assert (await ann.call("quick"))["resultType"] == "complete"
        assert (await ann.call("plain"))["resultType"] == "complete"
        answer = await ann.call("wait", {"label": "a"}, capabilities={})
        assert (answer["resultType"], answer["structuredContent"]) == ("complete", {"result": "a"})
        discovered = await ann.result("server/discover")
    assert discovered["capabilities"]["extensions"] == {"io.modelcontextprotocol/tasks": {}}


async def test_a_task_is_its_callers_alone_and_ids_cannot_be_told_from_the_files(hosted: Hosted) -> None:
    async with hosted.caller("ann") as ann, hosted.caller("bob") as bob:
        task_id = (await ann.call("wait", {"label": "a"}))["taskId"]
        for method in ("tasks/get", "tasks/cancel"):
            foreign = await bob.error(method, {"taskId": task_id})
            unknown = await bob.error(method, {"taskId": "../" * 5})
            assert foreign == unknown
            assert foreign["code"] == -32602
        assert (await bob.error("tasks/update", {"taskId": task_id, "inputResponses": {}}))["code"] == -32602
        assert (await ann.result("tasks/get", {"taskId": task_id}))["status"] == "working"
    files = list((hosted.folder / "tasks").iterdir())
    assert len(files) == 1
    assert task_id not in files[0].name + files[0].read_text()
    assert files[0].stat().st_mode & 0o777 == 0o600


async def test_the_header_must_name_the_task_and_the_caller_must_know_the_extension(hosted: Hosted) -> None:
    async with hosted.caller() as ann:
        task_id = (await ann.call("wait", {"label": "a"}))["taskId"]
        for method in ("tasks/get", "tasks/cancel"):
            wrong = await ann.error(method, {"taskId": task_id}, more={"Mcp-Name": "other"})
            assert wrong["code"] == -32020
            unable = await ann.error(method, {"taskId": task_id}, capabilities={})
            assert unable["code"] == -32021
            assert "io.modelcontextprotocol/tasks" in unable["data"]["requiredCapabilities"]["extensions"]


async def test_cancelling_stops_the_work_and_is_acknowledged_twice(hosted: Hosted) -> None:
    async with hosted.caller() as ann:
        task_id = (await ann.call("wait", {"label": "mine"}))["taskId"]
        acknowledged = await ann.result("tasks/cancel", {"taskId": task_id})
        assert {name for name in acknowledged if name != "_meta"} == {"resultType"}
        async with asyncio.timeout(20):
            while hosted.cancelled != ["mine"]:
                await asyncio.sleep(0.01)
        assert (await ann.result("tasks/get", {"taskId": task_id}))["status"] == "cancelled"
        assert (await ann.result("tasks/cancel", {"taskId": task_id}))["resultType"] == "complete"


async def test_questions_of_a_task_are_answered_by_updates_and_strange_answers_change_nothing(
    hosted: Hosted,
) -> None:
    knows = {"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {"form": {}}}
    async with hosted.caller() as ann:
        task_id = (await ann.call("ask", capabilities=knows))["taskId"]
        task = await ann.until(task_id, "input_required")
        (key, request), *_ = task["inputRequests"].items()
        assert request["params"]["message"] == "Which colour?"
        await ann.result(
            "tasks/update", {"taskId": task_id, "inputResponses": {"no-such": {"action": "cancel"}}}
        )
        assert (await ann.result("tasks/get", {"taskId": task_id}))["inputRequests"] == task["inputRequests"]
        odd = await ann.error("tasks/update", {"taskId": task_id, "inputResponses": {key: {"odd": 1}}})
        assert odd["code"] == -32602
        said = {key: {"action": "accept", "content": {"colour": "red"}}}
        await ann.result("tasks/update", {"taskId": task_id, "inputResponses": said})
        task = await ann.until(task_id, "completed")
    assert task["result"]["structuredContent"] == {"result": "chose red"}


async def test_a_tools_own_errors_complete_a_task_and_large_results_are_not_kept(hosted: Hosted) -> None:
    async with hosted.caller() as ann:
        task = await ann.until((await ann.call("wrong"))["taskId"], "completed")
        assert task["result"]["isError"] is True
        assert "the inside" not in json.dumps(task)
        task = await ann.until((await ann.call("big"))["taskId"], "completed")
        assert task["result"]["isError"] is True
        assert "a task keeps 1048576" in task["result"]["content"][0]["text"]


async def test_beyond_the_bound_on_running_tasks_calls_are_answered_plainly(hosted: Hosted) -> None:
    async with hosted.caller() as ann:
        kinds = [(await ann.call("wait", {"label": str(n)}))["resultType"] for n in range(AT_ONCE)]
        assert kinds == ["task"] * AT_ONCE
        call = asyncio.create_task(ann.call("wait", {"label": "last"}))
        await asyncio.wait({call}, timeout=0.3)
        assert not call.done()
        hosted.go.set()
        assert (await call)["resultType"] == "complete"


async def test_questions_that_nobody_answers_give_their_places_back_when_their_time_is_over(
    tmp_path: Path,
) -> None:
    host, now = Hosted(tmp_path), [1000.0]
    store = TaskStore(tmp_path / "tasks", ttl_s=60, clock=lambda: now[0])
    host.go.set()
    with served(
        create_app(host.tools(Tasks({"ask": 0.0, "wrong": 0.0}, store, running=1)), host.settings())
    ) as host.port:
        knows = {"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {"form": {}}}
        async with host.caller() as ann:
            asked = (await ann.call("ask", capabilities=knows))["taskId"]
            await ann.until(asked, "input_required")
            assert (await ann.call("wrong"))["resultType"] == "complete"
            now[0] += 61
            await ann.until((await ann.call("wrong"))["taskId"], "completed")
    assert len(list((tmp_path / "tasks").iterdir())) == 1


async def test_a_caller_that_leaves_before_there_is_a_task_cancels_the_call(tmp_path: Path) -> None:
    host = Hosted(tmp_path)
    tasks = Tasks({"wait": 60.0}, TaskStore())
    with served(create_app(host.tools(tasks), host.settings())) as host.port:
        async with host.caller() as ann:
            call = asyncio.create_task(ann.call("wait", {"label": "left"}))
            await asyncio.wait({call}, timeout=0.5)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            async with asyncio.timeout(20):
                while host.cancelled != ["left"]:
                    await asyncio.sleep(0.01)


async def test_after_a_kill_results_are_there_and_what_was_at_work_has_failed(tmp_path: Path) -> None:
    host = Hosted(tmp_path)
    folder = tmp_path / "tasks"
    first = Tasks(PATIENCE, TaskStore(folder))
    with served(create_app(host.tools(first), host.settings())) as host.port:
        async with host.caller() as ann:
            done = (await ann.call("wrong"))["taskId"]
            await ann.until(done, "completed")
            working = (await ann.call("wait", {"label": "w"}))["taskId"]
            as_killed = {path: path.read_text() for path in folder.iterdir()}
    for path, text in as_killed.items():
        path.write_text(text)
    (folder / "broken.json").write_text("{")
    second = Tasks(PATIENCE, TaskStore(folder))
    with served(create_app(host.tools(second), host.settings())) as host.port:
        async with host.caller() as ann:
            assert (await ann.result("tasks/get", {"taskId": done}))["result"]["isError"] is True
            task = await ann.result("tasks/get", {"taskId": working})
    assert (task["status"], task["error"]["code"]) == ("failed", -32603)
    assert "restarted" in task["statusMessage"]
    assert not (folder / "broken.json").exists()


async def test_stopping_the_server_stops_the_work(tmp_path: Path) -> None:
    host = Hosted(tmp_path)
    tasks = Tasks(PATIENCE, TaskStore(tmp_path / "tasks"))

    @asynccontextmanager
    async def running(_: Any) -> AsyncIterator[None]:
        yield
        await tasks.close()

    with served(create_app(host.tools(tasks), host.settings(), lifespan=running)) as host.port:
        async with host.caller() as ann:
            await ann.call("wait", {"label": "w"})
    assert host.cancelled == ["w"]
    (row,) = (tmp_path / "tasks").iterdir()
    assert json.loads(row.read_text())["status"] == "failed"


def test_old_tasks_go_when_their_time_is_over_or_room_is_needed(tmp_path: Path) -> None:
    now = [1000.0]
    store = TaskStore(tmp_path, ttl_s=10, kept=3, clock=lambda: now[0])
    ids = []
    for _ in range(5):
        task_id, task = store.create("ann", "t")
        task.complete({"content": []})
        store.save(task)
        ids.append(task_id)
        now[0] += 1
    assert len(list(tmp_path.iterdir())) == 3
    assert store.find(ids[-1], "ann").status == "completed"
    now[0] += 20
    assert len(TaskStore(tmp_path, clock=lambda: now[0])._rows) == 0
