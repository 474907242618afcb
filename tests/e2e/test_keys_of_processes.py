"""Clients' keys where the stack runs as plain processes: the same story."""

from collections.abc import Iterator

import pytest

from tests.e2e.keys_story import KeysStory
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Door, Stack
from tests.e2e.test_processes import ProcessStack

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: its keys change."""
    place = tmp_path_factory.mktemp("keys")
    directory = place / "harbour"
    directory.mkdir()
    stack = ProcessStack(python_repository(directory), place / "state", "keys")
    stack.up()
    yield stack
    stack.remove()


@pytest.fixture
def door(running_stack: Stack) -> Door:
    return Door.of(running_stack.endpoint())


class TestKeys(KeysStory):
    """All of the story, without containers."""
