"""The engine ends and is started again: the stack comes back by itself, as it was."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.own_engine import OwnEngine, own_engine
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Stack, wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.soak,  # copying the images into a second engine alone takes half a minute
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("dockerd") is None, reason="a second engine needs root and dockerd"
    ),
]


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("dockerd")) as engine:
        yield engine


@pytest.fixture(scope="module")
def stack(
    engine: DockerEngine, second: OwnEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack on the second engine, with images that the first one has made."""
    place = tmp_path_factory.mktemp("restarted")
    folder = place / "harbour"
    folder.mkdir()
    folder.chmod(0o755)
    python_repository(folder)
    on_first = Stack(engine, folder, place / "state", word="restart")
    built = on_first.ok("build", "--json", timeout=900).document
    bases = [image.references[0] for image in engine.list_images("dev.docgenctl.base") if image.references]
    second.load([*references_in(built), *bases])
    with_second = Stack(second.connect(), folder, place / "state2", word="restart", environ=second.environ)
    with_second.prefix = second.prefix
    with_second.up()
    yield with_second
    with_second.run("down", "--volumes", "--yes")


def references_in(document: object) -> list[str]:
    """Every image named in it."""
    if isinstance(document, dict):
        return [found for value in document.values() for found in references_in(value)]
    if isinstance(document, list):
        return [found for value in document for found in references_in(value)]
    return [document] if isinstance(document, str) and document.startswith("docgenctl/") else []


@dataclass(frozen=True)
class Remembered:
    """What must be the same afterwards."""

    ports: dict[str, int]
    endpoint: dict[str, str]
    key: str
    containers: dict[str, str]

    @classmethod
    def of(cls, stack: Stack) -> "Remembered":
        endpoint = stack.endpoint()
        key = Path(endpoint["api_key_file"]).read_text()
        return cls(stack.ports(), endpoint, key, stack.containers())


def healthy(stack: Stack) -> bool:
    return stack.run("health").exit_code == 0


def test_the_stack_comes_back_with_its_engine(stack: Stack, second: OwnEngine) -> None:
    before = Remembered.of(stack)
    second.end()
    assert stack.run("health").exit_code == 4
    second.start()
    wait_until(lambda: healthy(stack), 90, what="the stack is healthy again by itself")
    assert Remembered.of(stack) == before
    assert stack.up()["steps"] == []


def test_the_stack_comes_back_after_a_loss_of_power(stack: Stack, second: OwnEngine) -> None:
    before = Remembered.of(stack)
    second.lose_power()
    second.start()
    wait_until(lambda: healthy(stack), 90, what="the stack is healthy again by itself")
    assert Remembered.of(stack) == before
    assert stack.up()["steps"] == []


def test_after_a_crash_of_the_engine_alone_up_brings_the_same_stack_back(
    stack: Stack, second: OwnEngine
) -> None:
    """Such an engine stops what outlived it and takes that for somebody's wish (docs/decisions/0012)."""
    before = Remembered.of(stack)
    second.end(signal.SIGKILL)
    second.start()
    steps = stack.up()["steps"]
    assert {step["verb"] for step in steps} <= {"start container"}
    assert healthy(stack)
    assert Remembered.of(stack) == before


def test_what_was_stopped_on_purpose_stays_so(stack: Stack, second: OwnEngine) -> None:
    stack.ok("stop", "github")
    second.end()
    second.start()
    wait_until(
        lambda: stack.engine.observe(stack.project).container("main").state == "running", 60, "main runs"
    )
    states = {c.service: c.state for c in stack.engine.observe(stack.project).containers}
    assert states.pop("github") == "exited"
    assert set(states.values()) == {"running"}
    stack.ok("start", "github")
