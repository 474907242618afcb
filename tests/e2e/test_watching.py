"""`health --watch` sees what happens without asking for it."""

import json
import re

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack

pytestmark = pytest.mark.engine


def test_a_watch_sees_a_server_go_and_come_back(workspace: MakeStack, api: APIClient) -> None:
    stack = workspace("watching")
    stack.up("--no-prove")
    main = stack.containers()["main"]
    watch = stack.start("health", "--watch", "--json", "--interval", "0.2")
    assert watch.stdout is not None
    try:
        lines = map(json.loads, watch.stdout)
        first = next(lines)
        assert first["healthy"] is True
        kinds = {(layer["layer"], layer["subject"]) for layer in first["layers"]}
        assert {
            ("service", name) for name in ("gateway", "orchestrator", "main", "github", "egress")
        } <= kinds
        assert {("ready", "main"), ("ready", "github"), ("tool", "files_list")} <= kinds

        api.stop(main, timeout=1)
        sick = next(line for line in lines if not line["healthy"])
        while not any(layer["layer"] == "service" and not layer["ok"] for layer in sick["layers"]):
            sick = next(lines)
        (told,) = (layer for layer in sick["layers"] if layer["layer"] == "service" and not layer["ok"])
        assert told["subject"] == "main"
        assert "exited" in told["detail"]

        api.start(main)
        well = next(line for line in lines if line["healthy"])
        assert ("tool", "files_list") in {(layer["layer"], layer["subject"]) for layer in well["layers"]}
    finally:
        watch.terminate()
        watch.communicate(timeout=30)
    assert watch.returncode == 143

    seen = stack.ok("health", "--watch", "--count", "2", "--interval", "0.2").stdout.splitlines()
    assert len(seen) == 2
    assert all(
        re.fullmatch(r"\d\d:\d\d:\d\d  healthy  5 services, slowest answer \d+ ms", line) for line in seen
    )
