"""A real SDK server behind TLS, in a process of its own that tests may kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.endpoint import McpEndpoint
from tests.unit.endpoint.running import Stack, start, stop


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One server for all tests of a file that leave it as it was."""
    stack = start(tmp_path_factory.mktemp("shared"))
    yield stack
    stop(stack)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A server for one test, which may kill it."""
    stack = start(tmp_path)
    yield stack
    stop(stack)


@pytest.fixture
def client(shared: Stack) -> Iterator[McpEndpoint]:
    with McpEndpoint(shared.endpoint, timeout_s=10) as client:
        yield client
