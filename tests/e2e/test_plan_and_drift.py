"""`plan` foretells what `up` does, and both see what was changed by hand, on the real engine."""

from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.unit.cli.test_dry_run import tree

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


def steps(document: Any) -> list[tuple[str, str, str]]:
    return sorted((step["verb"], step["subject"], step["cause"]) for step in document["steps"])


def everything(api: APIClient, project: str) -> Any:
    """What the engine has of a project, as far as nothing moves by itself."""
    mine = {"label": f"com.docker.compose.project={project}"}
    containers = [api.inspect_container(entry["Id"]) for entry in api.containers(all=True, filters=mine)]
    told = ("Id", "Created", "HostConfig", "Config")
    return (
        {c["Id"]: [c["State"]["StartedAt"], *(c[key] for key in told)] for c in containers},
        sorted(network["Id"] for network in api.networks(filters=mine)),
        sorted(volume["Name"] for volume in api.volumes(filters=mine)["Volumes"] or ()),
    )


def test_a_plan_changes_nothing_up_does_what_it_said_and_drift_is_repaired(
    workspace: MakeStack, api: APIClient, tmp_path: Path
) -> None:
    stack = workspace()
    before = tree(tmp_path)
    planned = stack.run("plan", "--json", "--detailed-exitcode")
    assert planned.exit_code == 8
    assert tree(tmp_path) == before
    assert everything(api, stack.project) == ({}, [], [])

    done = stack.run("up", "--json", "--no-prove")
    assert done.exit_code == 0, done
    assert steps(planned.document) == steps(done.document)
    assert planned.document["ports"] == done.document["ports"]

    fresh = everything(api, stack.project)
    state = tree(tmp_path)
    again = stack.run("plan", "--json", "--detailed-exitcode")
    assert (again.exit_code, again.document["changes"]) == (0, False), again
    for command in (
        *("down", "down --volumes", "stop", "restart", "up --recreate", "build", "scale orchestrator=2"),
        *("servers add wiki --url https://mcp.example.com/mcp", "servers remove github --volumes"),
    ):
        asked = stack.run(*command.split(), "--dry-run", "--json")
        assert asked.exit_code == 0, asked
        assert asked.document["changes"] is (command != "build"), "all images are there"
    assert everything(api, stack.project) == fresh
    assert tree(tmp_path) == state

    ids = {c["Labels"]["com.docker.compose.service"]: c["Id"] for c in stack_containers(api, stack.project)}
    api.update_container(ids["github"], mem_limit="256m", memswap_limit="256m", restart_policy={"Name": "no"})
    api.connect_container_to_network(ids["main"], "bridge")
    api.pause(ids["egress"])
    (stack.directory / ".env.mcp").unlink()

    drifted = stack.run("plan", "--json", "--detailed-exitcode")
    assert drifted.exit_code == 8, drifted
    causes = {service["service"]: service["cause"] for service in drifted.document["services"]}
    assert causes == {
        "github": "changed by hand: memory limit 256m, configured 512m, "
        "restart policy no, configured unless-stopped",
        "main": "connected by hand",
        "egress": "paused",
    }
    assert [(file["path"], file["change"]) for file in drifted.document["files"]] == [(".env.mcp", "created")]
    repaired = stack.run("up", "--json", "--no-prove")
    assert repaired.exit_code == 0, repaired
    assert steps(repaired.document) == steps(drifted.document)
    now = {c["Labels"]["com.docker.compose.service"]: c["Id"] for c in stack_containers(api, stack.project)}
    assert now == ids
    assert api.inspect_container(now["github"])["HostConfig"]["Memory"] == 512 << 20
    assert stack.run("plan", "--detailed-exitcode").exit_code == 0

    results = [(entry["arguments"][0], entry["result"]) for entry in stack.run("history", "--json").document]
    assert results == [("up", "done"), ("up", "done")]


def stack_containers(api: APIClient, project: str) -> Any:
    return api.containers(all=True, filters={"label": f"com.docker.compose.project={project}"})
