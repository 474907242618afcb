"""Definitions of tools that are not what they were: told, or held back until somebody accepts them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from docgen_common.errors import SettingsError
from docgen_orchestrator.catalog import HeldError, NotOfferedError, catalog_of
from docgen_orchestrator.definitions import (
    Definitions,
    KnownDefinitions,
    Standing,
    digest_of,
    parse_definitions,
)
from docgen_orchestrator.offer import Offer
from docgen_orchestrator.shelf import Shelf
from docgen_orchestrator.tool_policy import ToolPolicy
from mcp.shared.exceptions import MCPError

from .conftest import Stack, eventually, wait_until
from .test_tool_policy import Server, route

pytestmark = pytest.mark.anyio

TOOL = {
    "name": "add",
    "description": "Adds.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}},
    "annotations": {"readOnlyHint": True},
}


def test_the_digest_is_blind_to_the_order_of_keys_and_to_meta() -> None:
    shuffled = {key: TOOL[key] for key in reversed(TOOL)}
    assert digest_of(TOOL) == digest_of(shuffled) == digest_of({**TOOL, "_meta": {"x": 1}})


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Adds\u200b."},
        {"title": "Add"},
        {"annotations": {"readOnlyHint": False}},
        {"inputSchema": {"type": "object", "properties": {"a": {"type": "number", "description": "!"}}}},
        {"outputSchema": {"type": "object"}},
    ],
)
def test_every_change_of_what_a_model_reads_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest_of({**TOOL, **change}) != digest_of(TOOL)


def test_the_first_look_changes_nothing_and_afterwards_a_new_tool_is_a_change() -> None:
    assert KnownDefinitions().standing("add", "x") is Standing.UNSEEN
    known = KnownDefinitions({"add": "x"})
    assert [known.standing(name, digest) for name, digest in (("add", "x"), ("add", "y"), ("sub", "x"))] == [
        Standing.KNOWN,
        Standing.CHANGED,
        Standing.NEW,
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"[",
        b"[]",
        b'{"version": 2, "servers": {}}',
        b'{"version": 1}',
        b'{"version": 1, "servers": {"red": {"a": "short"}}}',
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(raw: bytes) -> None:
    with pytest.raises(SettingsError, match=r"definitions\.json"):
        parse_definitions(raw)


def held_shelf() -> Shelf:
    shelf = Shelf(route("red", ToolPolicy(rename={"add": "plus"}, changes="hold")))
    shelf.take(Offer(tools={"add": TOOL, "sub": {**TOOL, "name": "sub"}}))
    shelf.compare(KnownDefinitions({"add": "0" * 64, "sub": digest_of({**TOOL, "name": "sub"})}))
    return shelf


def test_a_tool_that_is_held_is_not_listed_and_called_by_nobody() -> None:
    policy = ToolPolicy(rename={"add": "plus"}, changes="hold")
    catalog = catalog_of([Server(route("red", policy), held_shelf().offer)])
    assert list(catalog.tools) == ["sub"]
    with pytest.raises(HeldError, match="plus of the server red is held back: its definition changed"):
        catalog.tool("plus")


def test_a_held_name_is_not_free_for_another_server() -> None:
    policy = ToolPolicy(rename={"add": "plus"}, changes="hold")
    blue = Server(route("blue", ToolPolicy()), Offer(tools={"plus": {**TOOL, "name": "plus"}}))
    catalog = catalog_of([blue, Server(route("red", policy), held_shelf().offer)])
    assert catalog.collisions == {"tool plus": ("blue", "red (as add)")}


def test_where_changes_are_held_nothing_is_called_that_was_not_told_yet() -> None:
    catalog = catalog_of([Server(route("red", ToolPolicy(changes="hold"), "red_"), None)])
    with pytest.raises(NotOfferedError, match="has not told yet what its tools are"):
        catalog.tool("red_echo")


def digests(stack: Stack, server: str) -> dict[str, str]:
    """As docgenctl would learn them."""
    with stack.http() as http:
        told = http.get("/routes").json()
    (found,) = [entry for entry in told["servers"] if entry["name"] == server]
    return {tool["own_name"]: tool["digest"] for tool in found["tools"]}


def deliver(stack: Stack, servers: dict[str, dict[str, str]]) -> None:
    file = stack.orchestrator.folder / "secrets" / "definitions.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"version": 1, "servers": servers}))
    fresh.replace(file)


def check(stack: Stack) -> dict[str, Any]:
    with stack.http() as http:
        return dict(http.get("/health/ready").json()["checks"]["definitions"])


async def names(stack: Stack, mode: str) -> set[str]:
    async with stack.client(mode) as client:
        return {tool.name for tool in (await client.list_tools()).tools}


@pytest.fixture
def watched(make_stack: Callable[[], Stack]) -> Stack:
    stack = make_stack()
    stack.add("red", policy={"changes": "hold"})
    return stack.up()


async def test_a_changed_tool_is_held_until_its_definition_is_accepted(watched: Stack, mode: str) -> None:
    assert "red_echo" in await names(watched, mode)
    known = digests(watched, "red")
    deliver(watched, {"red": {**known, "red_echo": "0" * 64}})
    wait_until(lambda: not check(watched)["ok"], 5, "the change is told")
    assert check(watched)["detail"] == "changed: red_echo of red"
    assert "red_echo" not in await names(watched, mode)
    async with watched.client(mode) as client:
        with pytest.raises(MCPError, match="held back: its definition changed") as caught:
            await client.call_tool("red_echo", {"text": "hi"})
        assert caught.value.code == -32015
        assert (await client.call_tool("red_pid")).content[0].text
    lines = [line for line in watched.orchestrator.lines() if line["event"] == "tool definition changed"]
    assert [(line["tool"], line["held"], line["definition"]) for line in lines] == [
        ("red_echo", True, known["red_echo"])
    ]
    deliver(watched, {"red": known})
    wait_until(lambda: bool(check(watched)["ok"]), 5, "the change is accepted")
    async with watched.client(mode) as client:
        assert (await client.call_tool("red_echo", {"text": "hi"})).content[0].text == "hi"


async def test_a_server_that_comes_back_with_another_tool_has_it_held(watched: Stack) -> None:
    deliver(watched, {"red": digests(watched, "red")})
    red = watched.servers["red"]
    red.stop()
    red.argv.append("red_extra")
    red.start()
    wait_until(lambda: "red_extra" in check(watched).get("detail", ""), 15, "the new tool is told of")
    assert not check(watched)["ok"]
    listed = await names(watched, "auto")
    assert "red_extra" not in listed
    assert "red_echo" in listed


async def test_known_definitions_hold_across_a_restart_of_the_orchestrator(watched: Stack) -> None:
    deliver(watched, {"red": {**digests(watched, "red"), "red_echo": "0" * 64}})
    watched.orchestrator.stop()
    watched.orchestrator.start()
    listed = await names(watched, "auto")
    assert "red_echo" not in listed
    assert "red_pid" in listed


async def test_where_changes_are_reported_the_tool_goes_on(
    make_stack: Callable[[], Stack], mode: str
) -> None:
    stack = make_stack()
    stack.add("red")
    stack.up()
    deliver(stack, {"red": {**digests(stack, "red"), "red_echo": "0" * 64}})
    await eventually(lambda: "detail" in check(stack))
    assert check(stack) == {"ok": True, "detail": "changed: red_echo of red"}
    async with stack.client(mode) as client:
        assert (await client.call_tool("red_echo", {"text": "hi"})).content[0].text == "hi"


async def test_a_broken_file_keeps_what_was_known(watched: Stack) -> None:
    deliver(watched, {"red": {**digests(watched, "red"), "red_echo": "0" * 64}})
    wait_until(lambda: "detail" in check(watched), 5, "the change is told")
    (watched.orchestrator.folder / "secrets" / "definitions.json").write_text("{")
    wait_until(lambda: "definitions.json is not JSON" in check(watched)["detail"], 5, "the file is told of")
    assert "red_echo" not in await names(watched, "auto")


def changed(stack: Stack) -> dict[tuple[str, str], float]:
    """Server and whether they are held → changed definitions, as Prometheus reads them."""
    with stack.http() as http:
        text = http.get("/metrics").text
    found = re.findall(r'docgen_tool_definitions_changed\{held="(\w+)",server="(\w+)"\} ([\d.]+)', text)
    return {(server, held): float(count) for held, server, count in found}


def test_changed_and_held_definitions_are_counted_and_denied_ones_are_not(
    make_stack: Callable[[], Stack],
) -> None:
    stack = make_stack()
    stack.add("red", policy={"changes": "hold", "rename": {"red_echo": "say"}})
    stack.add("blue", policy={"deny": ["blue_pid"]})
    stack.up()
    known = {name: digests(stack, name) for name in ("red", "blue")}
    none = {(server, held): 0.0 for server in known for held in ("true", "false")}
    assert changed(stack) == none, "nobody looked yet"
    other = {f"{name}_{tool}": "0" * 64 for name in known for tool in ("echo", "pid")}
    deliver(
        stack,
        {name: {own: other.get(own, digest) for own, digest in it.items()} for name, it in known.items()},
    )
    expected = none | {("red", "true"): 2.0, ("blue", "false"): 1.0}
    wait_until(lambda: changed(stack) == expected, 10, "the changes are counted")
    deliver(stack, known)
    wait_until(lambda: changed(stack) == none, 10, "they are known")
    stack.servers.pop("blue").stop()
    stack.write_routing()
    wait_until(lambda: {server for server, _ in changed(stack)} == {"red"}, 10, "who left is not counted")


def test_definitions_of_a_server_that_is_not_there_are_no_mistake() -> None:
    assert Definitions({"gone": {}}).of("red") == KnownDefinitions(None)
