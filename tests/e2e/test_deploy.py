"""`docgenctl deploy --ci`: to the new version, or back to the one that served before."""

import time
from collections.abc import Iterator

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.repositories import python_repository
from tests.e2e.stack import SERVICES, Door, Stack

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the story that this file tells from top to bottom."""
    place = tmp_path_factory.mktemp("deploy")
    directory = place / "harbour"
    directory.mkdir()
    directory.chmod(0o755)
    python_repository(directory)
    made = Stack(engine, directory, place / "state", word="deploy")
    yield made
    made.remove()


@pytest.fixture
def deployed(stack: Stack) -> Stack:
    """The same, with a version that serves."""
    stack.configure({"log_level": "info", "servers": {"main": {"limits": {"memory": "512m"}}}})
    stack.ok("deploy", "--ci", timeout=600)
    return stack


def images(stack: Stack) -> dict[str, tuple[str, str]]:
    """Service → image id and digest of what it was made from."""
    return {
        c.service: (c.image_id, c.labels["dev.docgenctl.spec-digest"])
        for c in stack.engine.observe(stack.project).containers
    }


def answers(door: Door) -> bool:
    """A real request with the key from before."""
    with door.http() as client:
        return client.get("/health/ready/main").status_code == 200


def test_the_first_deployment_tells_all_in_one_json_document(stack: Stack) -> None:
    report = stack.ok("deploy", "--ci", timeout=600).document

    assert set(report) == {
        *("outcome", "steps", "images", "health", "error", "rollback_error", "duration_s"),
    }
    assert report["outcome"] == "deployed"
    assert set(report["images"]) == set(SERVICES)
    assert report["health"]["healthy"] is True
    assert {layer["layer"] for layer in report["health"]["layers"]} == {
        *("service", "gateway", "ready", "discover", "tool"),
    }
    assert report["error"] is report["rollback_error"] is None
    assert "create container main (missing)" in report["steps"]


def test_deploying_the_same_again_changes_nothing(deployed: Stack) -> None:
    before = images(deployed)
    report = deployed.ok("deploy", "--ci").document
    assert (report["outcome"], report["steps"]) == ("unchanged", [])
    assert images(deployed) == before


def test_without_ci_and_without_a_person_a_deployment_is_refused(deployed: Stack) -> None:
    refused = deployed.run("deploy")
    assert refused.exit_code == 6
    assert "--ci" in refused.stderr


def test_a_version_that_crashes_is_taken_back_and_the_old_one_serves_again(deployed: Stack) -> None:
    before = images(deployed)
    rendered = (deployed.directory / "docker-compose.mcp.yml").read_text()
    door = Door.of(deployed.endpoint())
    deployed.configure({"servers": {"main": {"limits": {"memory": "16m"}}}, "log_level": "debug"})

    begun = time.monotonic()
    failed = deployed.run("deploy", "--ci", "--timeout", "60")

    assert failed.exit_code == 5, str(failed)
    report = failed.document
    assert report["outcome"] == "rolled_back"
    assert report["error"]["code"] == "crashed"
    assert report["rollback_error"] is None
    assert report["health"]["healthy"] is True
    assert time.monotonic() - begun < 120
    assert "The previous version serves again." in failed.stderr
    assert images(deployed) == before
    assert (deployed.directory / "docker-compose.mcp.yml").read_text() == rendered
    assert answers(door)


def test_going_back_does_not_ask_for_servers_that_only_the_failed_version_has(deployed: Stack) -> None:
    before = images(deployed)
    deployed.configure({"servers": {"docs": {"image": "main", "limits": {"memory": "16m"}}}})
    try:
        failed = deployed.run("deploy", "--ci", "--timeout", "60")
    finally:
        del deployed.settings["servers"]["docs"]
        deployed.write_settings()

    assert failed.exit_code == 5, str(failed)
    assert failed.document["outcome"] == "rolled_back", str(failed)
    assert images(deployed) == before


def test_after_a_failure_a_good_version_is_deployed_as_usual(deployed: Stack) -> None:
    deployed.configure({"servers": {"main": {"limits": {"memory": "400m"}}}})
    report = deployed.ok("deploy", "--ci").document
    assert report["outcome"] == "deployed"
    assert deployed.run("health").exit_code == 0


def test_a_first_deployment_that_fails_says_that_there_is_nothing_to_go_back_to(
    engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("first")
    directory = place / "harbour"
    directory.mkdir()
    directory.chmod(0o755)
    python_repository(directory)
    settings = {"servers": {"main": {"limits": {"memory": "16m"}}, "github": {"enabled": False}}}
    stack = Stack(engine, directory, place / "state", word="first", settings=settings)
    try:
        failed = stack.run("deploy", "--ci", "--timeout", "60")
        assert failed.exit_code == 5, str(failed)
        assert failed.document["outcome"] == "failed"
        assert "no earlier version" in failed.stderr
        stack.ok("down", "--volumes", "--yes")
    finally:
        stack.remove()
