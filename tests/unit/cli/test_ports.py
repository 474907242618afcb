"""Ports on the command line, without an engine: values that are none, and ranges that are full."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.unit.actions.stage import free_range
from tests.unit.cli.command import docgenctl


def test_what_is_no_port_or_range_ends_with_the_line_and_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    written = {
        "ports": {"orchestrator": "3300-3200"},
        "servers": {
            "main": {"port": "0", "health_port": "-1"},
            "github": {"port": "65536", "health_port": "65000-65536"},
        },
    }
    (tmp_path / "workspace" / "docgen.yaml").write_text(json.dumps(written, indent=1))

    done = docgenctl(tmp_path, "up", "--json", environ={"MCP_LOG_LEVEL": "info", "MAIN_MCP_PORT_RANGE": ""})

    assert done.returncode == 3, done.stderr
    problems = json.loads(done.stdout)["error"]["problems"]
    assert {problem["key_path"] for problem in problems} == {
        "ports/orchestrator",
        "servers/main/port",
        "servers/main/health_port",
        "servers/github/port",
        "servers/github/health_port",
    }
    assert all(problem["line"] and problem["hint"] for problem in problems)
    assert not list((tmp_path / "workspace").glob("docker-compose*"))
    assert not list((tmp_path / "state").rglob("state.json"))


def test_render_says_which_port_is_not_the_first_choice_and_who_holds_that_one(tmp_path: Path) -> None:
    span = free_range(3)
    first = int(span.split("-")[0])
    with socket.create_server(("127.0.0.1", first)):
        done = docgenctl(tmp_path, "render", environ={"MAIN_MCP_PORT_RANGE": span})
    assert done.returncode == 0, done.stderr
    assert f"main takes port {first + 1}: its first choice {first} is held by " in done.stderr


def test_a_full_range_says_what_was_tried_and_writes_nothing(tmp_path: Path) -> None:
    span = free_range(3)
    first = int(span.split("-")[0])
    with ExitStack() as held:
        for port in range(first, first + 3):
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        done = docgenctl(tmp_path, "render", "--json", environ={"MAIN_MCP_PORT_RANGE": span})
    assert done.returncode == 4
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "port_taken"
    assert error["message"] == f"no free port for main ({span})"
    assert error["details"][0] == f"main: tried all 3 ports from {first} to {first + 2}"
    assert [line.partition(":")[0].strip() for line in error["details"][1:]] == [
        str(port) for port in range(first, first + 3)
    ]
    assert list((tmp_path / "workspace").iterdir()) == []


def test_ports_are_listed_and_diagnosed_without_an_engine(tmp_path: Path) -> None:
    listed = docgenctl(tmp_path, "ports", "--json", environ={"MAIN_MCP_PORT_RANGE": free_range()})
    assert listed.returncode == 0, listed.stderr
    rows = {row["purpose"]: row for row in json.loads(listed.stdout)}
    assert set(rows) == {"orchestrator", "main", "main_health", "github"}
    assert rows["main"]["range_from"] == "environment MAIN_MCP_PORT_RANGE"
    assert rows["main"]["usable"] is True

    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        told = docgenctl(tmp_path, "ports", "diagnose", str(port))
        document = json.loads(docgenctl(tmp_path, "ports", "diagnose", str(port), "--json").stdout)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"127.0.0.1:{port}  taken: ")
    assert document[0]["holder"]["port"] == port
    assert docgenctl(tmp_path, "ports", "diagnose", "65536").returncode == 2
