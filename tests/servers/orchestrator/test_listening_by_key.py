"""Changed lists are told to keys that see something that changed, and to no others."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from docgen_common.scopes import Grants
from docgen_orchestrator import granted_bus
from docgen_orchestrator.catalog import catalog_of
from mcp.client.subscriptions import PromptsListChanged, ResourcesListChanged, ToolsListChanged

from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack, eventually, key_entry, write_keys
from tests.servers.orchestrator.test_tool_policy import server

pytestmark = pytest.mark.anyio

SCOPES = {
    "red": ["red"],
    "red-read": ["red:read"],
    "red-echo": ["red/red_echo"],
    "blue": ["blue"],
    "everything-read": ["*:read"],
}


READERS = ("red", "red-read", "red-echo", "everything-read")
"""Keys that give red's echo, and not everything."""


def raw(name: str) -> str:
    return f"dgk_{name}-of-these-tests-000000000000000000000000"


class Heard:
    """What each key was told, by its name; `default` may do everything."""

    def __init__(self) -> None:
        self.told: dict[str, list[Any]] = {}

    async def follow(self, name: str, events: AsyncIterator[Any]) -> None:
        async for event in events:
            self.told[name].append(event)

    def take(self) -> dict[str, set[Any]]:
        """What was told since the last time, of keys that were told anything."""
        told = {name: set(events) for name, events in self.told.items() if events}
        for events in self.told.values():
            events.clear()
        return told


@pytest.fixture
def keyed(make_stack: Callable[[], Stack]) -> Stack:
    """Red and blue, a named endpoint with red's echo alone, and a key of each kind."""
    stack = make_stack()
    stack.add("red")
    stack.add("blue")
    stack.endpoints = {"part": {"servers": ["red"], "tools": ["red_echo"]}}
    entries = [key_entry(raw(name), name, scopes=scopes) for name, scopes in SCOPES.items()]
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *entries)
    return stack.up()


@contextlib.asynccontextmanager
async def listening(stack: Stack, path: str = "/mcp", mode: str = "auto") -> AsyncIterator[Heard]:
    """Every key listens for every list."""
    heard = Heard()
    async with contextlib.AsyncExitStack() as open_:
        for name in ("default", *SCOPES):
            key = CLIENT_KEY if name == "default" else raw(name)
            client = await open_.enter_async_context(
                stack.client(mode, path=path, headers={"Authorization": f"Bearer {key}"})
            )
            events = await open_.enter_async_context(
                client.listen(tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True)
            )
            heard.told[name] = []
            task = asyncio.create_task(heard.follow(name, events))
            open_.callback(task.cancel)
        yield heard


async def all_told(stack: Stack, heard: Heard, *names: str) -> dict[str, set[Any]]:
    """What was told once these keys heard something, and a later change at blue reached its own key."""
    await eventually(lambda: all(heard.told[name] for name in names))
    before = heard.take()
    async with stack.client() as client:
        await client.call_tool("blue_publish", {"name": f"mark-{len(before)}-{id(before)}"})
    await eventually(lambda: bool(heard.told["blue"]))
    mark = heard.take()
    assert mark["blue"] == {ResourcesListChanged()}
    return before


async def test_a_changed_list_reaches_those_alone_whose_keys_see_what_changed(keyed: Stack) -> None:
    async with listening(keyed) as heard, keyed.client() as client:
        await client.call_tool("red_publish", {"name": "news"})
        told = await all_told(keyed, heard, "default", "red", "red-read", "everything-read")
        owners = ("default", "red", "red-read", "everything-read")
        assert told == {name: {ResourcesListChanged()} for name in owners}


async def test_a_tool_that_goes_is_told_to_those_who_had_it(keyed: Stack) -> None:
    async with listening(keyed) as heard:
        keyed.servers["red"].entry["tools"] = {"deny": ["red_count"]}  # one that may write
        keyed.write_routing()
        told = await all_told(keyed, heard, "default", "red")
        assert told.pop("default") == {ToolsListChanged(), PromptsListChanged(), ResourcesListChanged()}
        assert told == {"red": {ToolsListChanged()}}

        keyed.servers["red"].entry["tools"] = {"deny": ["red_count", "red_echo"]}  # one that only reads
        keyed.write_routing()
        told = await all_told(keyed, heard, "red", "red-read", "red-echo", "everything-read")
        told.pop("default")
        assert told == {name: {ToolsListChanged()} for name in READERS}


async def test_a_named_endpoint_tells_of_what_it_shows_to_whose_key_sees_it(keyed: Stack) -> None:
    async with listening(keyed, "/mcp/part") as heard, listening(keyed) as everywhere:
        keyed.servers["red"].entry["tools"] = {"deny": ["red_count"]}
        keyed.write_routing()
        await all_told(keyed, everywhere, "red")
        assert heard.take().keys() <= {"default"}
        keyed.servers["red"].entry["tools"] = {"deny": ["red_echo"]}
        keyed.write_routing()
        await all_told(keyed, everywhere, "red-echo")
        told = heard.take()
        told.pop("default")
        assert told == {name: {ToolsListChanged()} for name in READERS}


async def test_a_server_that_comes_back_is_told_of_to_those_for_whom_it_is_another(keyed: Stack) -> None:
    async with listening(keyed) as heard:
        red = keyed.servers["red"]
        red.stop()
        red.argv.append("red_extra")
        red.start()
        await eventually(lambda: ToolsListChanged() in heard.told["red"], 20)
        assert "blue" not in heard.take()


def test_where_nobody_knows_all_keys_that_have_anything_of_the_server_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalog = catalog_of([server("blue", "blue_echo"), server("red", "red_echo")])
    bus = granted_bus.GrantedBus(lambda: catalog)
    told: dict[str, list[Any]] = {name: [] for name in SCOPES}
    leave = []
    for name, scopes in SCOPES.items():
        grants = Grants.parse(scopes)
        monkeypatch.setattr(granted_bus, "current_grants", lambda grants=grants: grants)
        leave.append(bus.subscribe(told[name].append))
    bus.look_again({})
    assert not any(told.values())
    bus.look_again({ToolsListChanged(): ["red"]})
    assert told == {name: [ToolsListChanged()] if name in READERS else [] for name in SCOPES}
    for go in (*leave, *leave):
        go()
    assert not bus.narrow


async def test_a_session_of_an_older_client_is_told_by_its_key_too(make_stack: Callable[[], Stack]) -> None:
    stack = make_stack()
    stack.add("red")
    stack.add("blue")
    options = {"options": {"legacy_sessions": True}}
    (stack.orchestrator.folder / "config/server.json").write_text(json.dumps(options))
    entries = [key_entry(raw(name), name, scopes=scopes) for name, scopes in SCOPES.items()]
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *entries)
    stack.up()
    told: dict[str, list[str]] = {"red": [], "blue": []}
    async with contextlib.AsyncExitStack() as open_:
        for name, heard in told.items():

            async def hear(message: Any, heard: list[str] = heard) -> None:
                heard.append(str(getattr(getattr(message, "root", message), "method", "")))

            key = {"Authorization": f"Bearer {raw(name)}"}
            client = await open_.enter_async_context(
                stack.client("legacy", headers=key, message_handler=hear)
            )
            await client.list_tools()
        async with stack.client() as other:
            await other.call_tool("red_publish", {"name": "news"})
            await eventually(lambda: "notifications/resources/list_changed" in told["red"])
            await other.call_tool("blue_publish", {"name": "news"})
            await eventually(lambda: "notifications/resources/list_changed" in told["blue"])
    assert told["blue"].count("notifications/resources/list_changed") == 1
    assert told["red"].count("notifications/resources/list_changed") == 1
