"""One stack, two ways to start it: Compose from the rendered file, and docgenctl. Each knows the other's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.compose import Compose, Description, accepted, described, differences
from tests.e2e.hardening import findings
from tests.e2e.repositories import python_repository
from tests.e2e.stack import SERVICES, Stack, wait_until

pytestmark = pytest.mark.engine

ALL = (*SERVICES, "valkey")
Things = dict[str, dict[str, Description]]


@dataclass
class Both:
    """What was seen of a stack that Compose started, and of the same one that docgenctl started."""

    stack: Stack
    compose: Compose
    prepared: set[str] = field(default_factory=set)
    by_compose: Things = field(default_factory=dict)
    started_by_compose: dict[str, str] = field(default_factory=dict)
    findings_in_theirs: list[str] = field(default_factory=list)
    adopted: dict[str, object] = field(default_factory=dict)
    after_adoption: dict[str, str] = field(default_factory=dict)
    status_of_theirs: set[tuple[str, str]] = field(default_factory=set)
    left_by_down: set[str] = field(default_factory=set)
    by_docgenctl: Things = field(default_factory=dict)


@pytest.fixture(scope="module")
def both(
    engine: DockerEngine, api: APIClient, compose_plugin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Prepared, started by Compose, adopted, taken down, and started by docgenctl: seen at each station.

    The workspace's name is one that Compose would interpolate and a shell would split.
    """
    place = tmp_path_factory.mktemp("parity")
    directory = place / "har$bour ${HOME}"
    directory.mkdir(mode=0o755)
    python_repository(directory)
    environ = {"DOCKER_CONFIG": str(compose_plugin.parents[1]), "DOCKER_HOST": engine.info().address}
    counting = {"orchestrator": {"shared_limits": "always"}}
    stack = Stack(engine, directory, place / "state", word="parity", settings=counting, environ=environ)
    seen = Both(stack=stack, compose=Compose(compose_plugin, stack))
    try:
        _prepare_and_start_by_compose(seen)
        seen.by_compose, seen.started_by_compose = described(api, stack.project), stack.containers()
        seen.findings_in_theirs = findings(api, stack.project)
        seen.status_of_theirs = {(s["service"], s["state"]) for s in stack.ok("status", "--json").document}
        seen.adopted, seen.after_adoption = stack.up(), stack.containers()
        stack.ok("down")
        seen.left_by_down = _everything_of(stack)
        stack.up()
        seen.by_docgenctl = described(api, stack.project)
        yield seen
    finally:
        stack.remove()


def _prepare_and_start_by_compose(seen: Both) -> None:
    """A subnet or port that somebody took in between is struck out by preparing again."""
    for left in (2, 1, 0):
        seen.stack.ok("up", "--no-start", timeout=600)
        seen.prepared = _everything_of(seen.stack)
        try:
            seen.compose.run("up", "--wait")
        except AssertionError as error:
            if left == 0 or not any(word in str(error) for word in ("overlaps", "already")):
                raise
            seen.compose.run("down")
        else:
            return


def _everything_of(stack: Stack) -> set[str]:
    seen = stack.engine.observe(stack.project)
    named = (*seen.containers, *seen.networks, *seen.volumes)
    return {f"{type(thing).__name__} {thing.name.removeprefix(stack.project)}" for thing in named}


def test_preparing_makes_volumes_and_no_container(both: Both) -> None:
    assert both.prepared
    assert all(thing.startswith("ObservedVolume") for thing in both.prepared)


@pytest.mark.parametrize("kind", ["container", "network"])
def test_compose_and_docgenctl_make_the_same_things_but_for_the_accepted_differences(
    both: Both, kind: str
) -> None:
    assert len(both.by_docgenctl[kind]) == len(ALL)
    found = differences(both.by_docgenctl[kind], both.by_compose[kind])
    patterns = accepted(kind)
    unlisted = [text for path, text in found.items() if not any(fnmatchcase(path, p) for p in patterns)]
    assert not unlisted, "\n".join(unlisted)
    outlived = [p for p in patterns if not any(fnmatchcase(path, p) for path in found)]
    assert not outlived, f"listed, and no difference any more: {outlived}"


@pytest.mark.parametrize(
    "path",
    [
        "Config/User",
        "Config/Env",
        "Config/Healthcheck/Test",
        "HostConfig/CapDrop",
        "HostConfig/SecurityOpt",
        "HostConfig/Mounts",
        "HostConfig/NanoCpus",
        "HostConfig/Memory",
        "HostConfig/PidsLimit",
        "HostConfig/ReadonlyRootfs",
        "HostConfig/RestartPolicy/Name",
        "HostConfig/NetworkMode",
        "Image",
    ],
)
def test_the_comparison_does_see_what_matters(both: Both, path: str) -> None:
    assert all(path in container for container in both.by_compose["container"].values())


def test_a_value_that_compose_would_interpolate_arrives_as_it_is(both: Both) -> None:
    main = both.by_compose["container"][f"{both.stack.project}-main-1"]
    assert "DOCGEN_WORKSPACE_NAME=har$bour ${HOME}" in main["Config/Env"].replace('\\"', "")


def test_up_adopts_what_compose_started_and_proves_it(both: Both) -> None:
    assert both.adopted["changed"] is False
    assert both.adopted["proofs"]
    assert both.after_adoption == both.started_by_compose
    assert both.started_by_compose.keys() == set(ALL)


def test_status_tells_of_what_compose_started(both: Both) -> None:
    assert both.status_of_theirs == {(service, "running") for service in ALL}


def test_containers_that_compose_starts_are_as_hardened(both: Both) -> None:
    assert both.findings_in_theirs == []


def test_down_takes_away_what_compose_started(both: Both) -> None:
    kept = [thing for thing in both.left_by_down if not thing.endswith("_main-data")]
    assert kept == []


def test_compose_lists_tells_and_leaves_alone_what_docgenctl_started(both: Both) -> None:
    before = both.stack.containers()
    assert both.stack.project in both.compose.run("ls")
    listed = both.compose.run("ps", "--format", "{{.Service}} {{.State}}").split("\n")
    assert {line for line in listed if line} == {f"{service} running" for service in ALL}
    assert "orchestrator-1" in both.compose.run("logs", "--tail", "3")
    both.compose.run("up", "--detach")
    assert both.stack.containers() == before


def test_compose_takes_down_what_docgenctl_started(both: Both) -> None:
    """The last one here: it takes the stack away that the others look at."""
    both.compose.run("down")
    left = _everything_of(both.stack)
    assert left
    assert all(thing.startswith("ObservedVolume") for thing in left)
    both.stack.ok("down")
    wait_until(lambda: _everything_of(both.stack) <= {"ObservedVolume _main-data"})
