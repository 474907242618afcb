"""Commands that are cut off anywhere, and commands that meet each other."""

import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

import pytest

from docgenctl.model.observed import Observation
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack

pytestmark = pytest.mark.engine

#: Two servers would double the time of every start and prove nothing more here.
ONE_SERVER = {"servers": {"github": {"enabled": False}}}


def kill_when(command: "subprocess.Popen[str]", stack: Stack, point: Callable[[Observation], bool]) -> bool:
    """SIGKILL as soon as the engine shows that point; whether it was seen before the command ended."""
    deadline = time.monotonic() + 60
    try:
        while command.poll() is None:
            assert time.monotonic() < deadline
            if point(stack.engine.observe(stack.project)):
                command.kill()
                return True
            time.sleep(0.005)
        return False
    finally:
        command.kill()
        command.communicate()


POINTS: dict[str, Callable[[Observation], bool]] = {
    "the first volume": lambda seen: len(seen.volumes) >= 1,
    "the first container": lambda seen: len(seen.containers) >= 1,
    "the first start": lambda seen: any(c.state == "running" for c in seen.containers),
    "the last start": lambda seen: sum(c.state == "running" for c in seen.containers) >= 4,
}


def assert_nothing_is_left(stack: Stack) -> None:
    seen = stack.engine.observe(stack.project)
    assert (seen.containers, seen.networks, seen.volumes) == ((), (), ())


def test_up_that_is_killed_at_any_point_is_finished_by_the_next_one(workspace: MakeStack) -> None:
    stack = workspace("kill", settings=ONE_SERVER)
    stack.up()
    for name, point in POINTS.items():
        stack.ok("down", "--volumes", "--yes")
        assert_nothing_is_left(stack)
        assert kill_when(stack.start("up"), stack, point), name

        if name in ("the first volume", "the first start"):
            stack.ok("down", "--volumes", "--yes")
            assert_nothing_is_left(stack)
        else:
            stack.up()
    assert stack.up()["steps"] == []
    stack.ok("down", "--volumes", "--yes")
    assert_nothing_is_left(stack)


def test_a_change_that_is_killed_half_way_is_finished_by_the_next_up(workspace: MakeStack) -> None:
    stack = workspace("kill2", settings=ONE_SERVER)
    stack.up()
    for level in ("debug", "warning"):
        before = set(stack.containers().values())
        stack.configure({"log_level": level})
        assert kill_when(stack.start("up"), stack, partial(differs, before=before))
        stack.up()
        assert stack.up()["steps"] == []
        assert stack.run("health").exit_code == 0


def differs(seen: Observation, before: set[str]) -> bool:
    return {c.id for c in seen.containers} != before


def test_ctrl_c_ends_up_with_130_and_without_a_traceback(workspace: MakeStack) -> None:
    stack = workspace("int", settings=ONE_SERVER)
    command = stack.start("up", start_new_session=True)
    deadline = time.monotonic() + 60
    while not stack.engine.observe(stack.project).networks:
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=60)

    assert command.returncode == 130, errors
    assert "Traceback" not in errors
    stack.up()
    stack.ok("down", "--volumes", "--yes")
    assert_nothing_is_left(stack)


@pytest.mark.parametrize("command", [["logs", "--follow"], ["health", "--watch"]])
def test_ctrl_c_ends_what_goes_on_for_ever_at_once(running_stack: Stack, command: list[str]) -> None:
    running = running_stack.start(*command, start_new_session=True)
    assert running.stdout is not None
    running.stdout.readline()
    begun = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert time.monotonic() - begun < 5


def test_of_two_ups_at_once_one_works_and_the_other_is_told_who_does(workspace: MakeStack) -> None:
    stack = workspace("race", settings=ONE_SERVER)
    commands = [stack.start("up", "--json") for _ in range(3)]
    ended = [(command.communicate(timeout=300), command.returncode) for command in commands]

    codes = sorted(code for _, code in ended)
    assert codes == [0, 7, 7], ended
    refusals = [out for (out, _), code in ended if code == 7]
    assert all('"code": "locked"' in out and "docgenctl up" in out for out in refusals)
    assert stack.up()["steps"] == []


def test_a_lock_ends_with_its_owner(workspace: MakeStack) -> None:
    stack = workspace("owner", settings=ONE_SERVER)
    assert kill_when(stack.start("up"), stack, lambda seen: bool(seen.networks))
    assert stack.run("down").exit_code == 0
