"""A stack's life on the real engine: up, changes, neighbours, stop and start, down.

Starting a stack takes seconds, so tests that leave it running share one and follow its story in the file's
order; each begins by bringing it to the state it needs.
"""

import json
import os
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.stack import LABEL_ROLE
from tests.e2e.repositories import python_repository
from tests.e2e.stack import SERVICES, Door, Stack, wait_until
from tests.servers.wire import headers, message

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the file; every test leaves it in whatever state."""
    place = tmp_path_factory.mktemp("life")
    directory = place / "harbour"
    directory.mkdir()
    directory.chmod(0o755)
    python_repository(directory)
    made = Stack(engine, directory, place / "state", word="life")
    yield made
    made.remove()


@pytest.fixture
def up(stack: Stack) -> Stack:
    """The same, running as configured."""
    stack.configure({"limits": {"pids": 256}, "servers": {"github": {"enabled": True}}})
    stack.up()
    return stack


def snapshot(stack: Stack) -> dict[str, tuple[str, str]]:
    """Service → container id and when it was started."""
    return {c.service: (c.id, c.started_at) for c in stack.engine.observe(stack.project).containers}


def touched(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@contextmanager
def occupied(port: int) -> Iterator[None]:
    """Somebody else listens there."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        yield


def works(stack: Stack) -> bool:
    report = stack.ok("health", "--json").document
    return bool(report["healthy"])


# -- up ------------------------------------------------------------------------------------------------
def test_from_nothing_to_a_healthy_stack_that_has_proved_it(stack: Stack) -> None:
    document = stack.up()

    assert document["project"] == stack.project
    assert document["changed"] is True
    assert {proof["subject"] for proof in document["proofs"]} == {"files_list", "github_status"}
    assert all(proof["ok"] for proof in document["proofs"])
    assert document["healthy_after_s"] < 60
    key = Path(document["endpoint"]["api_key_file"]).read_text().strip()
    assert key not in json.dumps(document)
    assert stack.endpoint() == document["endpoint"]
    assert works(stack)


def test_status_tells_every_service_in_a_stable_shape(up: Stack) -> None:
    rows = up.ok("status", "--json", "--stats").document

    assert [row["service"] for row in rows] == sorted(SERVICES)
    for row in rows:
        assert set(row) == {
            *("service", "state", "health", "ports", "image", "since", "restarts", "exit_code", "container"),
            "trouble",
            *("cpu_percent", "memory_bytes", "memory_limit_bytes"),
        }
        assert (row["state"], row["health"], row["restarts"]) == ("running", "healthy", 0)
        assert row["trouble"] == ""
        assert row["memory_bytes"] < row["memory_limit_bytes"] == 512 * 2**20
    published = {port["host_ip"] for row in rows for port in row["ports"]}
    assert published == {"127.0.0.1"}
    assert [row["service"] for row in rows if row["ports"]] == ["gateway"]


def test_a_second_up_does_nothing_and_says_so(up: Stack) -> None:
    before = snapshot(up)

    again = up.ok("up")

    assert snapshot(up) == before
    assert "nothing to do: 5 services run as configured, and are healthy" in again.stdout
    assert up.up()["steps"] == []
    assert snapshot(up) == before


def test_variables_for_compose_and_a_docker_on_the_path_change_nothing(up: Stack, tmp_path: Path) -> None:
    trap = tmp_path / "bin" / "docker"
    trap.parent.mkdir()
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    before = snapshot(up)
    document = up.up(
        environ={
            "PATH": f"{trap.parent}:{os.environ['PATH']}",
            "COMPOSE_FILE": "/etc/passwd",
            "COMPOSE_PROJECT_NAME": "other",
        }
    )
    assert document["steps"] == []
    assert snapshot(up) == before
    assert not (tmp_path / "sprung").exists()


def test_rendered_files_are_the_same_from_render_and_up_and_each_time(up: Stack) -> None:
    def rendered() -> dict[str, bytes]:
        files = (path for path in up.directory.rglob("*") if path.is_file() and ".git" not in path.parts)
        return {str(path): path.read_bytes() for path in files}

    after_up = rendered()
    changes = up.ok("render", "--json").document["files"]
    assert {change["change"] for change in changes} == {"unchanged"}
    assert {"docker-compose.mcp.yml", ".env.mcp", ".env.mcp.template"} <= {c["path"] for c in changes}
    assert rendered() == after_up
    assert (up.directory / ".env.mcp").stat().st_mode & 0o777 == 0o600


def test_a_changed_limit_recreates_only_the_server_it_is_set_for(up: Stack) -> None:
    before = snapshot(up)
    up.configure({"servers": {"main": {"limits": {"memory": f"{520 + os.getpid() % 50}m"}}}})

    document = up.up()

    assert touched(before, snapshot(up)) == {"main"}
    assert {step["subject"].split("-")[0] for step in document["steps"]} == {"main"}
    assert {step["cause"] for step in document["steps"]} == {"its definition changed"}


def test_a_changed_host_port_recreates_only_the_gateway(up: Stack) -> None:
    before, ports = snapshot(up), up.ports()
    last = up.settings["servers"]["main"]["port"].partition("-")[2]
    up.configure({"servers": {"main": {"port": f"{ports['main'] + 1}-{last}"}}})

    document = up.up()

    assert touched(before, snapshot(up)) == {"gateway"}
    assert {step["cause"] for step in document["steps"]} == {"its ports changed"}
    assert document["ports"] == ports | {"main": ports["main"] + 1}
    assert works(up)


def test_a_server_that_is_switched_off_goes_and_the_rest_works_on(up: Stack) -> None:
    before = snapshot(up)
    up.configure({"servers": {"github": {"enabled": False}}})

    up.up()

    observation = up.engine.observe(up.project)
    assert {c.service for c in observation.containers} == {"gateway", "egress", "orchestrator", "main"}
    assert not [n.name for n in observation.networks if "github" in n.name]
    assert not [v.name for v in observation.volumes if "github" in v.name]
    assert snapshot(up)["main"] == before["main"]
    names = {tool["name"] for tool in up.ok("tools", "list", "--json").document}
    assert "files_list" in names
    assert not [name for name in names if name.startswith("github_")]

    up.configure({"servers": {"github": {"enabled": True}}})
    assert up.up()["changed"] is True
    assert works(up)


# -- looking at it -------------------------------------------------------------------------------------
def test_health_is_5_while_a_server_is_stopped_and_0_before_and_after(up: Stack) -> None:
    assert up.run("health").exit_code == 0

    up.ok("stop", "main")
    sick = up.run("health", "--json")

    assert sick.exit_code == 5
    assert sick.document["healthy"] is False
    broken = {(layer["layer"], layer["subject"]) for layer in sick.document["layers"] if not layer["ok"]}
    assert {("service", "main"), ("ready", "main")} <= broken
    assert not [subject for _, subject in broken if "github" in subject]
    assert up.ok("start", "--json").document["started"] == ["main"]
    assert up.run("health").exit_code == 0


def test_stop_start_and_restart_keep_the_containers(up: Stack) -> None:
    before = up.containers()

    assert set(up.ok("stop", "--json").document["stopped"]) == set(SERVICES)
    assert {row["state"] for row in up.ok("status", "--json").document} == {"exited"}
    assert set(up.ok("start", "--json").document["started"]) == set(SERVICES)
    assert works(up)
    assert up.ok("restart", "orchestrator", "--json").document["restarted"] == ["orchestrator"]
    assert works(up)
    assert up.containers() == before


def test_a_stop_of_the_gateway_waits_five_seconds_for_streams_and_then_cuts_them(
    up: Stack, api: APIClient
) -> None:
    gateway = up.containers()["gateway"]
    wanted = message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    with (
        Door.of(up.endpoint()).http() as http,
        http.stream("POST", "/mcp", json=wanted, headers=headers(wanted)) as answer,
    ):
        lines = answer.iter_lines()
        assert any("acknowledged" in next(lines) for _ in range(2))
        begun = int(time.time())
        up.ok("stop", "gateway")
        with pytest.raises(httpx2.TransportError):
            list(lines)
    told = api.events(since=begun, until=int(time.time()) + 1, filters={"container": gateway}, decode=True)
    signals = {event["Actor"]["Attributes"].get("signal"): event["timeNano"] for event in told}
    assert {"10", "9"} <= signals.keys(), "asked to end, then cut off"
    assert 4e9 < signals["9"] - signals["10"] < 9e9
    up.ok("start")
    assert works(up)


def test_up_after_stop_starts_what_is_there(up: Stack) -> None:
    before = up.containers()
    up.ok("stop", "main", "gateway")

    steps = up.up()["steps"]

    assert [(step["verb"], step["subject"], step["cause"]) for step in steps] == [
        ("start container", "main", "stopped"),
        ("start container", "gateway", "stopped"),
    ]
    assert up.containers() == before


def test_networks_that_were_pruned_while_stopped_come_back(up: Stack) -> None:
    up.ok("stop")
    for network in up.engine.observe(up.project).networks:
        up.engine.remove_network(network.name)

    up.up()

    assert works(up)


def test_an_unknown_service_is_a_usage_error_that_names_those_there_are(up: Stack) -> None:
    wrong = up.run("stop", "nonsense", "--json")
    assert wrong.exit_code == 2
    assert wrong.document["error"]["hint"] == "services: egress, gateway, github, main, orchestrator"


def test_logs_are_followed_live(up: Stack) -> None:
    following = up.start("logs", "main", "--follow", "--tail", "0", "--json")
    try:
        assert following.stdout is not None
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=lambda: [lines.put(line) for line in following.stdout], daemon=True).start()

        def arrived() -> bool:
            up.ok("tools", "call", "files_list", "path=.")
            return not lines.empty()

        wait_until(arrived, 20, "a line of the log")
        assert json.loads(lines.get())["service"] == "main"
        assert following.poll() is None
    finally:
        following.kill()
        following.communicate()


# -- in the way ----------------------------------------------------------------------------------------
def test_a_remembered_port_that_somebody_took_gives_way_to_another(up: Stack) -> None:
    before = up.ports()
    up.ok("down")

    with occupied(before["main"]):
        moved = up.up()["ports"]

    assert moved["main"] != before["main"]
    assert {purpose: moved[purpose] for purpose in before if purpose != "main"} == {
        purpose: port for purpose, port in before.items() if purpose != "main"
    }


def test_a_fixed_port_that_is_taken_is_named_and_the_next_up_succeeds(up: Stack) -> None:
    before = up.ports()
    up.ok("down")
    taken = up.settings["servers"]["main"]["port"]
    port = int(taken.split("-")[0]) + 7
    up.configure({"servers": {"main": {"port": port}}})
    try:
        with occupied(port):
            refused = up.run("up", "--json")
        assert refused.exit_code == 4
        assert refused.document["error"]["code"] == "port_taken"
        assert f"main ({port})" in refused.document["error"]["message"]
        assert up.containers() == {}
        assert up.up()["ports"] == before | {"main": port}
    finally:
        up.configure({"servers": {"main": {"port": taken}}})


def test_a_compose_file_that_is_not_ours_is_left_alone(up: Stack) -> None:
    path = up.directory / "docker-compose.mcp.yml"
    ours = path.read_text()
    before = snapshot(up)
    theirs = "services:\n  mine: {image: busybox}\n"
    path.write_text(theirs)
    try:
        for command in ("render", "up"):
            refused = up.run(command, "--json")
            assert refused.exit_code == 6, str(refused)
            assert refused.document["error"]["code"] == "foreign_file"
            assert "docker-compose.mcp.yml" in refused.document["error"]["message"]
        assert path.read_text() == theirs
        assert snapshot(up) == before
    finally:
        path.write_text(ours)


def test_a_service_that_cannot_start_is_reported_at_once_with_its_end(up: Stack) -> None:
    up.configure({"servers": {"main": {"limits": {"memory": "16m"}}}})
    begun = time.monotonic()
    try:
        crashed = up.run("up", "--json", "--timeout", "120")
    finally:
        up.configure({"servers": {"main": {"limits": {"memory": "512m"}}}})

    assert crashed.exit_code == 5, str(crashed)
    assert time.monotonic() - begun < 40
    error = crashed.document["error"]
    assert error["code"] == "crashed"
    assert error["message"].startswith("main crashed while starting: ")
    assert "memory" in error["message"] or "exit code" in error["message"]
    assert error["hint"] == "docgenctl logs main"
    up.up()
    assert works(up)


def test_a_service_that_is_too_slow_is_named_when_the_time_is_over(up: Stack) -> None:
    up.configure({"servers": {"main": {"limits": {"cpus": 0.01}}}})
    try:
        late = up.run("up", "--json", "--timeout", "3")
    finally:
        up.configure({"servers": {"main": {"limits": {"cpus": 1}}}})
    assert late.exit_code == 5, str(late)
    error = late.document["error"]
    assert error["code"] == "not_in_time"
    assert error["message"].startswith("the stack is not healthy after 3 s: main")
    assert late.seconds < 40  # of which 3 s are waiting, the rest is stopping, starting, asking
    up.up()
    assert works(up)


# -- engines that are not there ------------------------------------------------------------------------
def dead_socket(folder: Path) -> str:
    path = folder / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    return f"unix://{path}"


@pytest.mark.parametrize("command", ["up", "down", "status", "health", "logs", "build"])
def test_an_engine_that_is_not_there_is_told_within_five_seconds(
    stack: Stack, command: str, tmp_path: Path
) -> None:
    ran = stack.run(command, "--json", environ={"DOCKER_HOST": dead_socket(tmp_path)})
    assert ran.exit_code == 4, str(ran)
    assert ran.document["error"]["code"] in ("stopped", "absent", "wrong_context")
    assert ran.document["error"]["hint"]
    assert "Traceback" not in ran.stderr
    assert ran.seconds < 5


def test_a_remote_engine_is_refused_by_name(stack: Stack) -> None:
    ran = stack.run("up", "--json", environ={"DOCKER_HOST": "tcp://192.0.2.1:2376"})
    assert (ran.exit_code, ran.document["error"]["code"]) == (4, "unsupported")
    assert "192.0.2.1" in ran.document["error"]["message"]
    assert ran.seconds < 5


# -- neighbours, and the end ---------------------------------------------------------------------------
def test_down_touches_only_the_project_of_exactly_this_name(
    up: Stack, engine: DockerEngine, tmp_path: Path
) -> None:
    """`app` and `app2`, side by side."""
    directory = tmp_path / "harbour"
    directory.mkdir()
    directory.chmod(0o755)
    python_repository(directory)
    neighbour = Stack(engine, directory, tmp_path / "state", word="x")
    neighbour.project = f"{up.project}2"
    neighbour.configure({"project": neighbour.project, "servers": {"github": {"enabled": False}}})
    try:
        neighbour.up()
        before = snapshot(neighbour)
        ports, key = up.ports(), Door.of(up.endpoint()).key

        up.ok("down")

        assert snapshot(neighbour) == before
        assert works(neighbour)
        up.up()
        assert (up.ports(), Door.of(up.endpoint()).key) == (ports, key)
        neighbour.ok("down")
        assert works(up)
    finally:
        neighbour.remove()


def test_the_stack_of_another_directory_is_refused(up: Stack, tmp_path: Path) -> None:
    directory = tmp_path / "other"
    directory.mkdir()
    (directory / "docgen.yaml").write_text(f"project: {up.project}\n")
    before = snapshot(up)
    for command in (["up"], ["down"], ["stop"], ["restart"]):
        refused = up.run(*command, "--json", "--project-dir", str(directory), bare=True)
        assert refused.exit_code == 6, str(refused)
        assert refused.document["error"]["code"] == "foreign_project"
        assert str(up.directory) in refused.document["error"]["message"]
    assert snapshot(up) == before


def leftovers(stack: Stack) -> tuple[set[str], set[str], set[str]]:
    seen = stack.engine.observe(stack.project)
    return (
        {c.name for c in seen.containers},
        {n.name for n in seen.networks},
        {str(v.labels[LABEL_ROLE]) for v in seen.volumes if LABEL_ROLE in v.labels},
    )


def test_down_leaves_data_and_down_with_volumes_asks_before_it_takes_that_too(
    up: Stack, api: APIClient
) -> None:
    # Somebody's backup, under the project's name, and a copy that even carries Compose's label of it.
    backups = {f"{up.project}_backup": {}, f"{up.project}_copy": {"com.docker.compose.project": up.project}}
    for name, labels in backups.items():
        api.create_volume(name, labels=labels)
    try:
        take_down_step_by_step(up)
        assert backups.keys() <= {volume["Name"] for volume in api.volumes()["Volumes"]}
    finally:
        for name in backups:
            api.remove_volume(name)


def take_down_step_by_step(up: Stack) -> None:
    up.ok("down")
    assert leftovers(up) == (set(), set(), {"data"})

    refused = up.run("down", "--volumes", "--json")
    assert refused.exit_code == 6
    assert refused.document["error"]["code"] == "not_confirmed"
    assert leftovers(up) == (set(), set(), {"data"})

    up.ok("down", "--volumes", "--yes")
    assert leftovers(up) == (set(), set(), set())
    again = up.ok("down")
    assert "Nothing to do" in again.stderr
