"""A service that hangs, runs out of memory or dies again and again: what the stack does, and what it says."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.repositories import python_repository
from tests.e2e.stack import SERVICES, Stack, wait_until

pytestmark = pytest.mark.engine

#: Stops all processes of a container but its first and itself.
HANG = ("bash", "-c", "kill -STOP -1")
#: Ends them.
CRASH = ("bash", "-c", "kill -KILL -1")
#: The engine's promise in seconds: a check every ten, three of them.
NOTICED_S = 30.0
#: From the new start to a health check that passes, on a slow machine.
SERVES_AGAIN_S = 25.0


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    place = tmp_path_factory.mktemp("faulty")
    folder = place / "harbour"
    folder.mkdir()
    folder.chmod(0o755)
    stack = Stack(engine, python_repository(folder), place / "state", word="faulty")
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


def restarts(stack: Stack, api: APIClient, service: str) -> int:
    return int(api.inspect_container(stack.containers()[service])["RestartCount"])


def health_of(stack: Stack) -> dict[tuple[str, str], bool]:
    layers = stack.run("health", "--json").document["layers"]
    return {(layer["layer"], layer["subject"]): layer["ok"] for layer in layers}


@contextmanager
def calling(stack: Stack, server: str) -> Iterator[list[bool]]:
    """Asks that server again and again meanwhile; whether each answer was good."""
    answers: list[bool] = []
    over = threading.Event()

    def call() -> None:
        while not over.wait(1.0):
            answers.append(stack.run("tools", "call", "github_status", "--json").exit_code == 0)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def test_services_that_hang_are_started_again_and_their_neighbours_notice_nothing(
    stack: Stack, api: APIClient
) -> None:
    hanging = ("main", "egress")  # one with Python, one with bash
    before = {name: restarts(stack, api, name) for name in SERVICES}
    seen = {c.service: c for c in stack.engine.observe(stack.project).containers}
    with calling(stack, "github") as answers, ThreadPoolExecutor() as pool:
        for name in hanging:
            stack.inside(name, *HANG)
        # The engine's next check is up to ten seconds away; this is the same one, now.
        for name in hanging:
            pool.submit(stack.engine.execute, seen[name].id, seen[name].health_command)
        for name in hanging:
            wait_until(lambda name=name: restarts(stack, api, name) == before[name] + 1, NOTICED_S, name)
        wait_until(lambda: all(health_of(stack).values()), SERVES_AGAIN_S, "all is well again")
    assert len(answers) > 2
    assert all(answers)
    after = {name: restarts(stack, api, name) for name in SERVICES}
    assert {name for name in SERVICES if after[name] > before[name]} == set(hanging)
    for name in hanging:
        assert "no answer for 15 s" in " ".join(line["text"] for line in stack.logs(name)), name
    trouble = {row["service"]: row["trouble"] for row in stack.ok("status", "--json").document}
    assert "started again 1 time" in trouble["main"]
    assert trouble["github"] == ""


def test_a_server_without_memory_is_named_with_the_reason_and_its_neighbours_serve(
    stack: Stack, api: APIClient
) -> None:
    stack.configure({"servers": {"main": {"limits": {"memory": "32m"}}}})
    begun = time.monotonic()
    ran = stack.run("up", "--json", "--timeout", "100")
    assert (ran.exit_code, ran.document["error"]["code"]) == (5, "crashed"), str(ran)
    assert "main crashed while starting: it ran out of memory" in ran.document["error"]["message"]
    assert time.monotonic() - begun < 60, "the end of a start is not waited for"

    wait_until(lambda: restarts(stack, api, "main") >= 2, 60, "the engine tries again")
    row = next(row for row in stack.ok("status", "--json").document if row["service"] == "main")
    assert "started again" in row["trouble"]
    health = health_of(stack)
    assert not health["ready", "main"]
    assert health["ready", "github"]
    assert stack.run("tools", "call", "github_status").exit_code == 0

    stack.configure({"servers": {"main": {"limits": {"memory": "512m"}}}})
    stack.up()
    assert all(health_of(stack).values())


@pytest.mark.soak
def test_a_server_that_dies_again_and_again_is_started_until_it_is_stopped(
    stack: Stack, api: APIClient
) -> None:
    container = stack.containers()["main"]
    stack.ok("restart", "main")  # begins the engine's count anew
    for number in range(1, 4):
        stack.engine.execute(container, CRASH)
        wait_until(lambda number=number: restarts(stack, api, "main") == number, 60, f"start {number}")
        # While the engine pauses before a start it says both "running" and "restarting".
        wait_until(lambda: api.inspect_container(container)["State"]["Status"] == "running", 60, "it runs")
    text = stack.run("status").stderr
    assert "main: started again 3 times" in text
    stack.ok("stop", "main")
    assert not api.inspect_container(container)["State"]["Running"]
    assert api.inspect_container(container)["RestartCount"] == 3
    stack.ok("start", "main")


@pytest.mark.soak
@pytest.mark.parametrize("service", SERVICES)
def test_each_service_that_hangs_is_noticed_in_time_by_the_engine_itself(
    stack: Stack, api: APIClient, service: str
) -> None:
    before = {name: restarts(stack, api, name) for name in SERVICES}
    stack.inside(service, *HANG)
    wait_until(lambda: restarts(stack, api, service) == before[service] + 1, NOTICED_S, "it is started again")
    wait_until(lambda: all(health_of(stack).values()), SERVES_AGAIN_S, "all is well again")
    after = {name: restarts(stack, api, name) for name in SERVICES}
    assert {name for name in SERVICES if after[name] > before[name]} == {service}


@pytest.mark.soak
def test_a_server_that_is_only_slow_is_left_alone(stack: Stack, api: APIClient) -> None:
    """Two of three checks go by without an answer while it computes; then it answers."""
    before = restarts(stack, api, "main")
    container = next(c for c in stack.engine.observe(stack.project).containers if c.service == "main")
    with ThreadPoolExecutor() as pool:
        # Something that uses processor time, beside a server that says nothing.
        spinning = pool.submit(stack.inside, "main", "timeout", "40", "bash", "-c", "while :; do :; done")
        stop = (
            "for p in /proc/[0-9]*; do grep -q docgen_main $p/cmdline && kill -STOP ${p#/proc/}; done; true"
        )
        stack.inside("main", "bash", "-c", stop)
        stack.engine.execute(container.id, container.health_command)
        stack.inside("main", "bash", "-c", stop.replace("STOP", "CONT"))
        spinning.cancel()
        wait_until(lambda: all(health_of(stack).values()), 60, "all is well again")
    assert restarts(stack, api, "main") == before


def test_no_process_is_left_behind_as_a_zombie(stack: Stack) -> None:
    count = """
import json, pathlib
states = [p.read_text().rpartition(")")[2].split()[0] for p in pathlib.Path("/proc").glob("[0-9]*/stat")]
print(json.dumps(states))
"""
    for server in ("main", "github", "orchestrator"):
        assert "Z" not in stack.python_inside(server, count), json.dumps(server)
