"""Questions of a server to the person behind the client, on the 2026 wire through the orchestrator."""

import json
from typing import Any

import httpx2
import pytest

from tests.servers.orchestrator.conftest import CLIENT_KEY
from tests.servers.wire import Wire

pytestmark = pytest.mark.anyio

CAN_ASK = {"elicitation": {"form": {}}}


def wire(stack: Any, server: str | None = None) -> Wire:
    process = stack.servers[server] if server else stack.orchestrator
    key = process.key if server else CLIENT_KEY
    headers = {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{process.port}"
    return Wire(httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30))


def answers(asked: dict[str, Any], colour: str) -> dict[str, Any]:
    assert asked["resultType"] == "input_required"
    said = {"action": "accept", "content": {"colour": colour}}
    state = {"requestState": asked["requestState"]} if "requestState" in asked else {}
    return {"inputResponses": dict.fromkeys(asked["inputRequests"], said), **state}


async def test_a_question_passes_through_and_a_restarted_server_takes_the_answer(stack: Any) -> None:
    call = {"name": "red_ask", "arguments": {}}
    orchestrated = wire(stack)
    async with orchestrated.http:
        asked = await orchestrated.result("tools/call", call, capabilities=CAN_ASK)
        (request,) = asked["inputRequests"].values()
        assert request["params"]["message"] == "Which colour?"
        stack.servers["red"].stop()
        stack.servers["red"].start()
        stack.orchestrator.stop()
        stack.orchestrator.start()
        done = await orchestrated.result(
            "tools/call", {**call, **answers(asked, "red")}, capabilities=CAN_ASK
        )
        assert done["structuredContent"] == {"result": "chose red"}


async def test_the_state_between_is_the_callers_alone_and_cannot_be_altered(stack: Any) -> None:
    call = {"name": "blue_ask", "arguments": {}}
    orchestrated, direct = wire(stack), wire(stack, "blue")
    async with orchestrated.http, direct.http:
        asked = await orchestrated.result("tools/call", call, capabilities=CAN_ASK)
        kept = answers(asked, "blue")
        foreign = await direct.ask("tools/call", {**call, **kept}, capabilities=CAN_ASK)
        assert "chose" not in json.dumps(foreign)
        altered = {**kept, "requestState": kept["requestState"][:-4] + "AAAA"}
        refused = await orchestrated.ask("tools/call", {**call, **altered}, capabilities=CAN_ASK)
        assert "chose" not in json.dumps(refused)
        done = await orchestrated.result("tools/call", {**call, **kept}, capabilities=CAN_ASK)
        assert done["structuredContent"] == {"result": "chose blue"}
