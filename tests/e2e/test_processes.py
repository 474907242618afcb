"""A stack without containers, through the command line: what clients find, and how it ends and comes back.

The tests imported from test_clients are the very same that run against containers; only `running_stack` is
another one.
"""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.test_process_life import marked
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Door, Stack, wait_until
from tests.e2e.test_clients import *  # noqa: F403

pytestmark = pytest.mark.timeout(300)

SERVICES = {"gateway", "orchestrator", "main", "github"}


class ProcessStack(Stack):
    """A stack of processes; no container engine is ever asked."""

    def __init__(self, directory: Path, state_dir: Path, word: str) -> None:
        super().__init__(None, directory, state_dir, word=word, environ={"DOCGENCTL_ENGINE": "process"})  # type: ignore[arg-type]

    @property
    def home(self) -> Path:
        (found,) = self.state_dir.glob("*/processes")
        return found

    def containers(self) -> dict[str, str]:
        notes = [json.loads(path.read_bytes()) for path in (self.home / "containers").glob("*.json")]
        return {note["service"]: note["id"] for note in notes}

    def processes(self) -> dict[str, int]:
        """Service → its first process."""
        found = {service: marked(one) for service, one in self.containers().items()}
        return {service: min(pids) for service, pids in found.items() if pids}

    def supervisor(self) -> int:
        pid = next(iter(self.processes().values()))
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])

    def remove(self) -> None:
        self.run("down", "--volumes", "--yes")


MakeProcesses = Callable[..., ProcessStack]


@pytest.fixture(scope="module")
def make_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeProcesses]:
    made: list[ProcessStack] = []

    def make(word: str = "own") -> ProcessStack:
        place = tmp_path_factory.mktemp(word)
        directory = place / "harbour"
        directory.mkdir()
        made.append(ProcessStack(python_repository(directory), place / "state", word))
        return made[-1]

    yield make
    for stack in made:
        stack.remove()


@pytest.fixture(scope="module")
def running_stack(make_processes: MakeProcesses) -> ProcessStack:
    stack = make_processes("shared")
    stack.up()
    return stack


@pytest.fixture(scope="module")
def door(running_stack: ProcessStack) -> Door:
    return Door.of(running_stack.endpoint())


# HAProxy has metrics of its own; the doors have none, inside or outside.
del test_metrics_are_there_inside_and_not_reachable_through_any_port  # noqa: F821


def test_up_and_health_say_what_is_missing(running_stack: ProcessStack) -> None:
    said = running_stack.ok("up")
    assert "not isolated" in said.stdout
    assert "egress/allow is not enforced" in said.stdout
    assert "not isolated" in running_stack.ok("status").stderr
    assert running_stack.up()["engine"]["isolates"] is False
    layers = running_stack.ok("health", "--json").document["layers"]
    (egress,) = [layer for layer in layers if layer["subject"] == "egress"]
    assert "not restricted" in egress["detail"]


def test_a_second_up_changes_nothing(running_stack: ProcessStack) -> None:
    before = running_stack.processes()
    assert running_stack.up()["changed"] is False
    assert running_stack.processes() == before


def test_a_plan_foresees_processes_and_render_containers(running_stack: ProcessStack) -> None:
    running_stack.ok("plan", "--detailed-exitcode")
    foreseen = running_stack.ok("render", "--dry-run", "--json").document
    told = {file["path"]: file["change"] for file in foreseen["files"]}
    rendered = {
        file["path"]: file["change"] for file in running_stack.ok("render", "--json").document["files"]
    }
    assert told == {path: change for path, change in rendered.items() if change != "unchanged"}


def test_a_document_is_generated(running_stack: ProcessStack) -> None:
    path = Path(running_stack.ok("generate", "readme").stdout.splitlines()[-1])
    assert path == running_stack.directory / "docs/generated/README.md"
    assert "harbour" in path.read_text().lower()


def test_a_diagram_is_drawn_in_a_page(running_stack: ProcessStack) -> None:
    markdown = "# Harbour\n\n```mermaid\nflowchart TD\n  ship --> quay\n```\n"
    path = "docs/generated/harbour.md"
    running_stack.ok("tools", "call", "files_write", f"path={path}", f"content={markdown}")
    running_stack.ok("tools", "call", "docs_export", f"path={path}")
    page = running_stack.directory / "docs/generated/harbour.html"
    assert ">quay<" in page.read_text()
    page.unlink()
    (running_stack.directory / path).unlink()


def test_the_doors_have_no_metrics(door: Door) -> None:
    with door.http() as http:
        assert http.get("/metrics").status_code == 404


def test_no_key_is_in_a_command_line_an_environment_or_a_log(running_stack: ProcessStack, door: Door) -> None:
    files = (running_stack.home / "volumes").rglob("*-secrets/*/*")
    inside = [path.read_text().strip() for path in files if path.is_file() and path.suffix != ".json"]
    secrets = [door.key, *inside]
    assert len(secrets) > 2
    pids = [*running_stack.processes().values(), running_stack.supervisor()]
    for pid in pids:
        for name in ("cmdline", "environ"):
            text = (Path("/proc") / str(pid) / name).read_bytes()
            assert not [one for one in secrets if one.encode() in text], (pid, name)
    for note in (*(running_stack.home / "containers").iterdir(), *(running_stack.home / "logs").iterdir()):
        assert not [one for one in secrets if one.encode() in note.read_bytes()], note


def test_servers_inside_listen_on_no_port(running_stack: ProcessStack) -> None:
    """Only the doors do; the others meet at sockets in a directory that is closed to everybody else."""
    inodes: dict[str, set[str]] = {}
    for service, pid in running_stack.processes().items():
        links = tuple(Path(f"/proc/{pid}/fd").iterdir())
        found = {match[1] for link in links if (match := re.match(r"socket:\[(\d+)\]", link.readlink().name))}
        tables = (Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
        rows = [line.split() for table in tables for line in table.splitlines()]
        inodes[service] = {row[1] for row in rows if row[3] == "0A" and row[9] in found}
    assert {service: len(ports) for service, ports in inodes.items()} == {
        "gateway": 4,
        "orchestrator": 0,
        "main": 0,
        "github": 0,
    }


def test_another_engine_is_refused_while_the_stack_runs_here(running_stack: ProcessStack) -> None:
    ran = running_stack.run("up", "--engine", "docker", "--json")
    assert ran.exit_code == 6, str(ran)
    assert ran.document["error"]["code"] == "other_engine"
    assert "docgenctl down" in ran.document["error"]["hint"]


def test_a_server_that_is_killed_comes_back(running_stack: ProcessStack) -> None:
    for service in ("main", "orchestrator", "gateway"):
        before = running_stack.processes()[service]
        os.kill(before, signal.SIGKILL)
        wait_until(
            lambda service=service, before=before: running_stack.processes().get(service, before) != before
        )
        wait_until(lambda: running_stack.run("health").exit_code == 0, 30, f"health after killing {service}")


def test_killing_the_supervisor_ends_all_and_up_recovers(running_stack: ProcessStack, door: Door) -> None:
    pids = list(running_stack.processes().values())
    os.kill(running_stack.supervisor(), signal.SIGKILL)
    wait_until(lambda: not running_stack.processes(), what="the end of all processes")
    assert not [pid for pid in pids if Path(f"/proc/{pid}/cwd").exists()]
    rows = running_stack.ok("status", "--json").document
    assert {row["service"]: row["state"] for row in rows} == dict.fromkeys(SERVICES, "exited")
    running_stack.up()
    assert Door.of(running_stack.endpoint()) == door
    assert running_stack.ok("health", "--json").document["healthy"]


def test_stop_start_and_restart(running_stack: ProcessStack) -> None:
    running_stack.ok("stop")
    assert running_stack.processes() == {}
    running_stack.ok("start")
    assert set(running_stack.processes()) == SERVICES
    before = running_stack.processes()
    running_stack.ok("restart", "github")
    after = running_stack.processes()
    assert {name for name in SERVICES if before[name] != after[name]} == {"github"}


def test_two_stacks_live_side_by_side_and_down_leaves_nothing(
    running_stack: ProcessStack, make_processes: MakeProcesses
) -> None:
    other = make_processes("other")
    other.up()
    assert other.endpoint()["url"] != running_stack.endpoint()["url"]
    home, supervisor, port = other.home, other.supervisor(), Door.of(other.endpoint()).port
    pids = list(other.processes().values())
    other.ok("down", "--volumes", "--yes")
    assert not home.exists()
    wait_until(lambda: not [pid for pid in (*pids, supervisor) if Path(f"/proc/{pid}/cwd").exists()])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert running_stack.ok("health", "--json").document["healthy"]
    assert other.ok("status", "--json").document == []


@pytest.mark.usefixtures("engine")
def test_down_with_volumes_removes_the_data_even_after_a_down_without(make_processes: MakeProcesses) -> None:
    stack = make_processes("data")
    stack.up()
    home = stack.home
    stack.ok("down")
    assert [path.name for path in (home / "volumes").glob("*.json")] == [f"{stack.project}_main-data.json"]
    # Nothing runs as processes any more, so what the setting says counts: whatever engine is here.
    auto = {"DOCGENCTL_ENGINE": "auto"}
    assert "main-data" in stack.ok("down", "--volumes", "--dry-run", environ=auto).stdout
    assert "main-data" in str(
        stack.ok("down", "--volumes", "--yes", "--json", environ=auto).document["steps"]
    )
    assert not home.exists()


@pytest.mark.soak
def test_a_deployment_that_fails_goes_back_to_the_last_good_version(make_processes: MakeProcesses) -> None:
    stack = make_processes("deploy")
    assert stack.ok("deploy", "--ci").document["outcome"] == "deployed"
    good = Door.of(stack.endpoint())
    # As little memory as the settings allow: no server fits, so each is ended as soon as it is seen.
    stack.configure({"servers": {"main": {"limits": {"memory": "16m"}}}})
    ran = stack.run("deploy", "--ci", "--timeout", "15")
    assert ran.exit_code == 5, str(ran)
    assert ran.document["outcome"] == "rolled_back", str(ran)
    assert Door.of(stack.endpoint()) == good
    assert stack.run("health").exit_code == 0


@pytest.mark.soak
def test_commands_killed_at_any_moment_leave_nothing_that_the_next_does_not_clear(
    make_processes: MakeProcesses,
) -> None:
    stack = make_processes("kills")
    stack.up()
    stack.ok("down")
    for moment in range(12):
        for command in ("up", "down"):
            running = stack.start(command)
            try:
                running.wait(0.3 + moment * 0.2)
            except subprocess.TimeoutExpired:
                running.kill()
            running.communicate()
            if command == "up":
                stack.up()
        ids = set(stack.containers().values())
        stack.ok("down")
        assert not [pid for one in ids for pid in marked(one)]
        for folder in ("containers", "networks", "sockets", "logs", "tmp"):
            assert list((stack.home / folder).iterdir()) == []
