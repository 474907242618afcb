"""Every command that changes something, ended at its steps; what is left, and what finishes it.

In `make test` one stack is cut off again and again at the steps that hurt most, each time further on, before
it is finished: whatever an earlier end left, the later ones have to live with. `make soak` goes through all
steps, one by one.
"""

import itertools
import os
import shutil
import signal
from pathlib import Path

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.kill_matrix import HUP, INT, KILL, TERM, Matrix

pytestmark = pytest.mark.engine

#: Two servers would double the time of every start and prove nothing more here.
ONE_SERVER = {"servers": {"github": {"enabled": False}}}

FIRST_UP = [
    ("create .state.json.new #1 after", KILL),
    ("rename .docker-compose.mcp.yml.docgenctl-new #1 before", HUP),
    ("POST volumes/create #1 after", KILL),
    ("POST containers/create docgenctl-fill-* #1 after", KILL),
    ("PUT containers/*/archive #1 after", TERM),
    ("POST containers/create main-1 #1 after", KILL),
    ("POST containers/*/start #1 after", INT),
    ("POST containers/*/start #4 after", TERM),
]
DEPLOY = [
    ("rename .state.json.new #1 before", INT),
    ("DELETE containers/* #1 after", KILL),
    ("POST containers/*/start #1 before", HUP),
]
DOWN = [
    ("DELETE containers/* #1 after", KILL),
    ("DELETE networks/* #1 before", TERM),
    ("DELETE volumes/main-secrets #1 after", KILL),
]


@pytest.fixture
def matrix(workspace: MakeStack, api: APIClient, tmp_path: Path) -> Matrix:
    return Matrix(workspace("cut", settings=ONE_SERVER), api, tmp_path / "steps")


def test_a_stack_that_is_cut_off_again_and_again_is_finished_by_the_next_command(matrix: Matrix) -> None:
    stack = matrix.stack
    for step, number in FIRST_UP:
        if "#4" in step:  # the last of all services: what is left is to wait for them
            stack.ok("stop")
        matrix.cut(step, number, "up")
    stack.up()
    assert matrix.leftovers() == []
    assert stack.up()["steps"] == []
    ended = [entry["result"] for entry in stack.ok("history", "--json").document]
    assert ended.count("interrupted") >= 4, "the history says which commands did not come to their end"

    matrix.cut("rename .haproxy.cfg.docgenctl-new #1 before", KILL, *changed_render(matrix))
    stack.ok("render")
    assert matrix.leftovers() == []

    for step, number in DEPLOY:
        matrix.cut(step, number, "deploy", "--yes")
    # Whether the last one that was ended had anything left to do depends on which step ran beside which.
    assert stack.ok("deploy", "--ci").document["outcome"] in ("deployed", "unchanged")
    assert stack.up()["steps"] == []
    assert matrix.leftovers() == []

    for step, number in DOWN:
        matrix.cut(step, number, "down")
    stack.ok("down")
    assert matrix.remains(data=True) == []
    assert [v.name for v in stack.engine.observe(stack.project).volumes] == [f"{stack.project}_main-data"]
    stack.ok("down", "--volumes", "--yes")
    assert matrix.remains(data=False) == []


def changed_render(matrix: Matrix) -> tuple[str, ...]:
    """A `render` that has something to write."""
    matrix.stack.configure({"log_level": "debug", "gateway": {"max_body": "2M"}})
    return ("render",)


# -- all of them -------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_up_can_end_at_any_step(matrix: Matrix) -> None:
    """Finished by `up` and by `down` in turn."""
    steps = matrix.steps_of("up")
    forget(matrix)
    for number, (step, signal_) in enumerate(each_step(steps)):
        if not matrix.cut_if_reached(step, signal_, "up"):
            forget(matrix)
            continue
        if number % 2:
            matrix.stack.up()
            assert matrix.stack.up()["steps"] == [], step
            assert matrix.leftovers() == [], step
        forget(matrix)
    matrix.tell("up", len(steps))


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_a_deployment_can_end_at_any_step(matrix: Matrix) -> None:
    matrix.stack.ok("deploy", "--ci")
    levels = itertools.cycle(("debug", "warning", "info"))
    matrix.stack.configure({"log_level": next(levels)})
    steps = matrix.steps_of("deploy", "--yes")
    for step, signal_ in each_step(steps):
        matrix.stack.configure({"log_level": next(levels)})
        matrix.cut_if_reached(step, signal_, "deploy", "--yes")
        assert matrix.stack.ok("deploy", "--ci").document["outcome"] in ("deployed", "unchanged"), step
        assert matrix.leftovers() == [], step
    assert matrix.stack.up()["steps"] == []
    matrix.tell("deploy", len(steps))


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_down_can_end_at_any_step(matrix: Matrix) -> None:
    matrix.stack.up()
    steps = matrix.steps_of("down")
    for step, signal_ in each_step(steps):
        matrix.stack.up()
        matrix.cut_if_reached(step, signal_, "down")
        matrix.stack.ok("down")
        assert matrix.remains(data=True) == [], step
    matrix.tell("down", len(steps))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("command", [("render",), ("build", "--force")])
def test_what_only_makes_files_and_images_can_end_at_any_step(
    matrix: Matrix, command: tuple[str, ...]
) -> None:
    matrix.stack.ok("build")
    matrix.stack.ok("render")
    sizes = (f"{size}k" for size in itertools.count(1000))
    matrix.stack.configure({"gateway": {"max_body": next(sizes)}})
    steps = matrix.steps_of(*command)
    for step, signal_ in each_step(steps):
        matrix.stack.configure({"gateway": {"max_body": next(sizes)}})
        matrix.cut_if_reached(step, signal_, *command)
        matrix.stack.ok("render")
        assert matrix.leftovers() == [], step
    matrix.stack.up()
    assert matrix.stack.up()["steps"] == []
    matrix.tell(command[0], len(steps))


def each_step(steps: list[str]) -> list[tuple[str, signal.Signals]]:
    """Each step by SIGKILL, and every fifth one also by one of the other signals in turn."""
    others = itertools.cycle((INT, TERM, HUP))
    stride = int(os.environ.get("DOCGENCTL_TEST_STRIDE", "1"))
    pairs: list[tuple[str, signal.Signals]] = []
    for number, step in enumerate(dict.fromkeys(steps)):
        pairs.append((step, KILL))
        if number % 5 == 0:
            pairs.append((step, next(others)))
    return pairs[::stride]


def forget(matrix: Matrix) -> None:
    """As if nothing had ever been started here: what `up` decides and writes is decided and written again."""
    matrix.stack.ok("down", "--volumes", "--yes")
    assert matrix.remains(data=False) == []
    shutil.rmtree(matrix.stack.state_dir)
    shutil.rmtree(matrix.stack.directory / ".docgen", ignore_errors=True)
    for name in ("docker-compose.mcp.yml", ".env.mcp", ".env.mcp.template"):
        (matrix.stack.directory / name).unlink(missing_ok=True)
