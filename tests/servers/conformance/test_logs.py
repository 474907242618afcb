"""Logs of a server reach the caller of 2026-07-28 that asked for them with its call, and nobody else."""

import json

import httpx2
import pytest

from tests.servers.wire import headers, message

LEVEL = "io.modelcontextprotocol/logLevel"


@pytest.mark.parametrize("way", ["directly", "orchestrated"])
@pytest.mark.parametrize(("level", "lines"), [(None, 0), ("error", 0), ("info", 3), ("debug", 3)])
def test_logs_come_with_the_call_that_asked_for_them(
    urls: dict[str, str], way: str, level: str | None, lines: int
) -> None:
    meta = {"_meta": {LEVEL: level}} if level else {}
    call = message("tools/call", {"name": "test_tool_with_logging", "arguments": {}, **meta})
    answer = httpx2.post(urls[way], json=call, headers=headers(call), trust_env=False)
    told = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    logs = [note["params"] for note in told if note.get("method") == "notifications/message"]
    assert [log["level"] for log in logs] == ["info"] * lines
    if lines:
        assert logs[0]["data"] == "Tool execution started"
    result = told[-1] if told else answer.json()
    assert result["result"]["content"][0]["text"] == "Logged three times."
