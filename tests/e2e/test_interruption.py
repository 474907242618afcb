"""Commands that go on until they are told to end, and commands that meet each other (see the kill matrix)."""

import signal
import subprocess
import time
from collections.abc import Callable

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
