"""The official TypeScript clients with the bridge as their stdio command."""

import pytest

from tests.typescript_clients import CLIENTS, session
from tests.unit.endpoint.bridge.conftest import Home


@pytest.mark.parametrize("name", CLIENTS)
def test_a_typescript_client_does_all_that_it_can_through_the_bridge(own: Home, name: str) -> None:
    own.start()
    command, *args = own.command()
    seen = session(
        name,
        {},
        stdio={"command": command, "args": args, "env": own.environ, "cwd": "/"},
        call={"name": "echo", "arguments": {"text": "zażółć"}},
        progress={"name": "steps", "arguments": {"count": 10, "label": "LABEL"}},
        hang={"name": "hang", "arguments": {"label": name}},
        ask={"call": {"name": "ask", "arguments": {}}, "answer": {"colour": "green"}},
        change={"name": "change", "arguments": {"name": "tool-NUMBER"}},
        after={"name": "cancellations", "arguments": {}},
    )
    assert seen["server"] == "fixture"
    assert seen["version"] in (CLIENTS[name][1], None)
    assert "echo" in seen["tools"]
    assert seen["call"]["structuredContent"] == {"result": "zażółć"}
    assert len(seen["progress"]) == 12
    for one in seen["progress"]:
        assert one["structured"] == {"result": one["label"]}
        # These clients lose progress that they read in one go with the answer; what they do hear is theirs.
        steps = [heard["progress"] for heard in one["heard"]]
        assert steps == sorted(set(steps)), one
        assert {heard["message"] for heard in one["heard"]} <= {one["label"]}
    assert any(one["heard"] for one in seen["progress"])
    assert "enough" in seen["cancelled"] or "abort" in seen["cancelled"].lower()
    assert seen["after"]["structuredContent"] == {"result": [name]}
    assert seen["asked"]["structuredContent"] == {"result": "chose green"}
    assert seen["questions"] == ["Which colour?"]
    assert seen["changed"] is True
