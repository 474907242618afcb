"""Containers of a running stack may no more than they need. The auditor is tried on a bad one first."""

import re
import uuid
from collections.abc import Iterator

import pytest
from docker import APIClient

from docgenctl.model.observed import ObservedImage
from tests.e2e.hardening import findings, findings_in
from tests.e2e.stack import SERVICES, Stack

pytestmark = pytest.mark.engine


@pytest.fixture
def careless(api: APIClient, busybox: ObservedImage) -> Iterator[str]:
    """A container as `docker run -v /etc:/etc -v …docker.sock -p 80` makes it; never started."""
    host = api.create_host_config(
        binds=["/etc:/host", "/var/run/docker.sock:/var/run/docker.sock"],
        port_bindings={"80/tcp": 18080},
        pid_mode="host",
        cap_add=["NET_ADMIN"],
        privileged=True,
        group_add=["0"],
        security_opt=["seccomp=unconfined"],
        devices=["/dev/null:/dev/null"],
    )
    made = api.create_container(
        busybox.id, ["true"], host_config=host, name=f"docgenctl-test-careless-{uuid.uuid4().hex[:6]}"
    )
    yield made["Id"]
    api.remove_container(made["Id"], force=True)


def test_the_auditor_finds_what_a_careless_container_may(api: APIClient, careless: str) -> None:
    found = {finding.partition(": ")[2] for finding in findings_in(api.inspect_container(careless))}
    assert found == {
        "runs as root",
        "is in a group of root's",
        "keeps capabilities",
        "is given capabilities",
        "may gain privileges",
        "is unconfined",
        "is privileged",
        "may write its root file system",
        "has no limit of memory",
        "has no limit of CPU",
        "has no limit of processes",
        "shares a name space of the host",
        "has devices",
        "has an engine's socket",
        "mounts a folder of the system",
        "publishes on every address",
    }


def test_no_container_of_a_stack_may_more_than_it_needs(running_stack: Stack, api: APIClient) -> None:
    assert running_stack.containers().keys() == set(SERVICES)
    assert findings(api, running_stack.project) == []


def test_no_process_of_a_stack_runs_as_root_or_holds_a_capability(running_stack: Stack) -> None:
    """What the kernel says of every process inside, the init of each container included.

    But for the engine's own, which a health check is about to be: it lets go of everything before it does.
    """
    for service in SERVICES:
        code, output = running_stack.inside(
            service, "bash", "-c", "cat /proc/[0-9]*/status 2>/dev/null; exit 0"
        )
        assert code == 0, output
        processes = re.split(r"^Name:\s+", output, flags=re.MULTILINE)[1:]
        own = [process for process in processes if not process.startswith("runc:[")]
        told = [line.split() for process in own for line in process.splitlines()]
        users = {word for line in told if line[:1] == ["Uid:"] for word in line[1:]}
        capabilities = {line[1] for line in told if line[:1] in (["CapEff:"], ["CapPrm:"], ["CapBnd:"])}
        assert users
        assert "0" not in users, service
        assert capabilities == {"0" * 16}, service
        assert {line[1] for line in told if line[:1] == ["NoNewPrivs:"]} == {"1"}, service
