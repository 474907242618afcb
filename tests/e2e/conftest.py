"""Stacks for the end-to-end tests: one that many tests look at, and a factory of stacks of one's own."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Door, Stack, engine_api
from tests.engine_fixtures import busybox, compose_plugin, engine, sweep

__all__ = ["busybox", "compose_plugin", "engine", "sweep"]

MakeStack = Callable[..., Stack]

#: The first `up` on a machine makes the base image and builds all others, whichever test it happens in.
FIRST_UP_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(FIRST_UP_S))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def api(engine: DockerEngine) -> Iterator[APIClient]:
    """The engine in its own words."""
    client = engine_api(engine)
    yield client
    client.close()


@pytest.fixture(scope="session")
def running_stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack over a small Python repository, for tests that leave it as it is."""
    place = tmp_path_factory.mktemp("shared")
    stack = Stack(engine, python_repository(_open_folder(place, "harbour")), place / "state", word="shared")
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def door(running_stack: Stack) -> Door:
    """How clients get into the shared stack."""
    return Door.of(running_stack.endpoint())


@pytest.fixture
def workspace(engine: DockerEngine, tmp_path: Path) -> Iterator[MakeStack]:
    """Makes stacks of a test's own, over a small Python repository unless `repository` writes another one.

    They are made, not started. Whatever they left is removed afterwards.
    """
    made: list[Stack] = []

    def make(
        word: str = "own",
        *,
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        repository: Callable[[Path], object] = python_repository,
        name: str = "harbour",
    ) -> Stack:
        place = tmp_path / f"{len(made)}"
        place.mkdir()
        directory = _open_folder(place, name)
        repository(directory)
        made.append(Stack(engine, directory, place / "state", word=word, settings=settings, environ=environ))
        return made[-1]

    yield make
    for stack in made:
        stack.remove()


def _open_folder(place: Path, name: str) -> Path:
    """A folder that services may read: what pytest makes is for its own user alone."""
    folder = place / name
    folder.mkdir()
    folder.chmod(0o755)
    return folder
