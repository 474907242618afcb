"""Named endpoints show and call the same on the raw path and through the application."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.fast.conftest import META, Here, headers_for, message
from tests.servers.orchestrator.fast.test_raw_path import HANDED_OVER, said

pytestmark = pytest.mark.anyio

PATHS = ["/mcp", "/mcp/red", "/mcp/blue", "/mcp/part", "/mcp/both", "/mcp/texts"]
LIST = {"jsonrpc": "2.0", "id": "list", "method": "tools/list", "params": {"_meta": META}}


@pytest.fixture
def endpoints() -> dict[str, Any]:
    return {
        "part": {"servers": ["red"], "tools": ["*_echo", "red_pid"]},
        "both": {"tools": ["*_echo"]},
        "texts": {"prompts": ["*"], "resources": ["red://*"]},
    }


async def on_both_paths(here: Here, path: str, body: dict[str, Any]) -> tuple[httpx2.Response, bool]:
    """The answer at a path, the same from both sides, and whether the raw path gave one of them."""
    raw = await here.http.post(path, json=body, headers=headers_for(body))
    by_raw = here.raw()
    whole = await here.http.post(path, json=body, headers={**headers_for(body), **HANDED_OVER})
    assert not here.raw(), "the application was not asked"
    assert (raw.status_code, said(raw)) == (whole.status_code, said(whole))
    return raw, by_raw


def names(answer: httpx2.Response) -> set[str]:
    return {tool["name"] for tool in answer.json()["result"]["tools"]}


async def test_lists_are_those_of_the_application_at_every_endpoint(here: Here) -> None:
    shown = {}
    for path in PATHS:
        answer, by_raw = await on_both_paths(here, path, LIST)
        assert by_raw, path
        shown[path] = names(answer)
    assert shown["/mcp"] == shown["/mcp/red"] | shown["/mcp/blue"]
    assert shown["/mcp/red"] & shown["/mcp/blue"] == set()
    assert shown["/mcp/part"] == {"red_echo", "red_pid"}
    assert shown["/mcp/both"] == {"red_echo", "blue_echo"}
    assert shown["/mcp/texts"] == set()


@pytest.mark.parametrize("tool", ["red_echo", "blue_echo", "red_big", "red_nothing"])
async def test_a_call_is_answered_where_its_tool_is_shown_and_nowhere_else(here: Here, tool: str) -> None:
    arguments = {"size": 3} if tool == "red_big" else {"text": "x"}
    for path in PATHS:
        listed, _ = await on_both_paths(here, path, LIST)
        answer, by_raw = await on_both_paths(here, path, message(tool, arguments))
        assert by_raw == (tool in names(listed)), path
        if by_raw:
            assert said(answer)["result"]["content"][0]["text"] in ("x", "xxx")
            continue
        absent, _ = await on_both_paths(here, path, message("red_never_was", arguments))
        hidden_error, absent_error = said(answer)["error"], said(absent)["error"]
        assert hidden_error["code"] == absent_error["code"] == -32602
        told = absent_error["message"].replace("red_never_was", tool)
        assert hidden_error["message"] == told, "a hidden tool is an absent one"


async def test_a_path_that_is_no_endpoint_is_none_on_both_paths(here: Here) -> None:
    for path in ("/mcp/absent", "/mcp/part/", "/mcp/PART", "/mcp//part", "/mcp/part/x", "/mcp/"):
        for body in (LIST, message("red_echo", {"text": "x"})):
            raw = await here.http.post(path, json=body, headers=headers_for(body))
            whole = await here.http.post(path, json=body, headers={**headers_for(body), **HANDED_OVER})
            assert (raw.status_code, raw.text) == (whole.status_code, whole.text)
            assert raw.status_code == 404


async def test_a_key_has_the_same_scopes_everywhere(here: Here) -> None:
    here.write_key(scopes=["blue/blue_echo", "red:read"])
    await asyncio.sleep(0.5)  # longer than a key file is not looked at
    for path in PATHS:
        answer, by_raw = await on_both_paths(here, path, LIST)
        assert by_raw
        assert {name for name in names(answer) if name.startswith("blue")} <= {"blue_echo"}
        assert "red_count" not in names(answer)
        count, _ = await on_both_paths(here, path, message("red_count", {"steps": 1, "label": "x"}))
        assert "result" not in said(count)
        for name in ("red_echo", "blue_echo"):
            called, by_raw = await on_both_paths(here, path, message(name, {"text": "x"}))
            assert ("result" in said(called)) == (name in names(answer)) == by_raw


async def test_a_rate_is_one_rate_over_all_endpoints(here: Here) -> None:
    here.write_key(rate="4/h")
    await asyncio.sleep(0.5)
    body = message("red_echo", {"text": "x"})
    paths = ("/mcp", "/mcp/red", "/mcp/part", "/mcp/both", "/mcp/part", "/mcp")
    answers = [await here.http.post(path, json=body, headers=headers_for(body)) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429, 429]
