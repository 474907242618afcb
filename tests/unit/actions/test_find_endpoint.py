"""Where clients reach a stack, each server, and each part that docgen.yaml names."""

from pathlib import Path

import pytest

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.model.errors import NotHealthyError, UsageError
from docgenctl.model.state import State
from docgenctl.state.store import StateStore
from tests.unit.served_project import environ_of

CONFIGURED = """
servers:
  github: {enabled: false}
  wiki: {url: "https://mcp.example.com/mcp"}
endpoints:
  review: {tools: ["docs_*"]}
"""


@pytest.fixture
def opened(tmp_path: Path) -> OpenProject:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace/docgen.yaml").write_text(CONFIGURED)
    found = open_project(tmp_path / "workspace", environ_of(tmp_path))
    StateStore(found.state_dir).write(State(ports={"orchestrator": 8080, "main": 3200}))
    (found.state_dir / "ca").mkdir(mode=0o700)
    for name in ("api-key", "ca/root.pem"):
        (found.state_dir / name).touch(0o600)
    return found


@pytest.mark.parametrize(
    ("purpose", "url"),
    [
        ("orchestrator", "https://localhost:8080/mcp"),
        ("main", "https://localhost:3200/mcp"),
        ("wiki", "https://localhost:8080/mcp/wiki"),
        ("review", "https://localhost:8080/mcp/review"),
    ],
)
def test_each_endpoint_has_a_port_or_a_path_of_its_own(opened: OpenProject, purpose: str, url: str) -> None:
    found = find_endpoint(opened, purpose)
    assert (found.url, found.ca_file) == (url, opened.state_dir / "ca/root.pem")


@pytest.mark.parametrize("purpose", ["github", "gateway", "Review", ""])
def test_what_is_no_endpoint_is_told_with_those_that_are(opened: OpenProject, purpose: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_endpoint(opened, purpose)
    assert caught.value.hint == "endpoints: orchestrator, main, review, wiki"


def test_a_stack_that_was_never_started_has_none(opened: OpenProject) -> None:
    (opened.state_dir / "ca/root.pem").unlink()
    with pytest.raises(NotHealthyError) as caught:
        find_endpoint(opened, "review")
    assert caught.value.code == "never_started"
