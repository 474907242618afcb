"""The proofs that `up` and `prove` give, on a stack that is closed, and on one that somebody opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.outside import HTTP_PORT, Outside, outside_world
from tests.e2e.stack import Stack

pytestmark = pytest.mark.engine


@pytest.fixture
def outside(running_stack: Stack, api: APIClient) -> Iterator[Outside]:
    image = api.inspect_container(running_stack.containers()["main"])["Image"]
    with outside_world(api, image) as world:
        yield world


def verdicts(document: Any) -> dict[tuple[str, str], str]:
    return {(proof["service"], proof["target"]): proof["verdict"] for proof in document["isolation"]}


EXPECTED = {
    ("main", "host"),
    ("main", "github"),
    ("main", "outside"),
    ("github", "host"),
    ("github", "main"),
    ("github", "outside"),
    ("orchestrator", "host"),
    ("orchestrator", "outside"),
}


def test_up_proves_what_it_says_and_notices_when_it_is_no_longer_so(
    workspace: MakeStack, api: APIClient, outside: Outside
) -> None:
    target = f"{outside.server_address}:{HTTP_PORT}"
    stack = workspace("proofs", settings={"proofs": {"outside": [target]}})
    started = stack.up()
    assert verdicts(started) == dict.fromkeys({*EXPECTED, ("gateway", "outside")}, "blocked")
    assert outside.said().count("HTTP") == 0

    api.connect_container_to_network(stack.containers()["main"], outside.network)
    opened = stack.run("prove", "--json")
    assert opened.exit_code == 5, opened
    found = verdicts(opened.document)
    assert opened.document["proved"] is False
    assert found["main", "outside"] == "reached"
    assert found["github", "outside"] == "blocked"

    api.disconnect_container_from_network(stack.containers()["main"], outside.network)
    assert stack.ok("prove", "--json").document["proved"] is True

    # Nobody is there any more: the silence of the target proves nothing.
    api.stop(outside.server, timeout=0)
    unproved = stack.run("prove", "--json")
    assert unproved.exit_code == 5
    assert verdicts(unproved.document)["main", "outside"] == "not_proved"
    assert verdicts(unproved.document)["main", "host"] == "blocked"

    # A server that hangs cannot be looked out of, and another's silence towards it proves nothing.
    api.stop(stack.containers()["github"], timeout=0)
    half = stack.run("prove", "--json")
    assert half.exit_code == 5
    found = verdicts(half.document)
    assert found["github", "host"] == found["main", "github"] == "not_proved"


def test_a_second_up_proves_isolation_only_when_asked_to(running_stack: Stack) -> None:
    assert running_stack.up()["isolation"] is None
    assert verdicts(running_stack.up("--prove")) == dict.fromkeys(EXPECTED, "blocked")


def test_a_running_stack_is_described_without_its_secrets(running_stack: Stack) -> None:
    found = running_stack.ok("describe", "--json").document
    assert found["state"] == "running"
    assert {door["url"].split(":")[2].split("/")[0] for door in found["doors"]} == {
        str(port) for port in running_stack.ports().values()
    }
    assert {service["name"]: service["health"] for service in found["services"]} == dict.fromkeys(
        ("gateway", "egress", "orchestrator", "main", "github"), "healthy"
    )
    assert all(service["image_id"].startswith("sha256:") for service in found["services"])
    assert all(volume["exists"] for volume in found["volumes"])
    assert {certificate["what"] for certificate in found["certificates"]} == {"gateway", "authority"}
    secrets = {secret["name"]: secret for secret in found["secrets"]}
    assert secrets["upstream-main"]["held_by"] == ["orchestrator"]
    assert secrets["upstream-main"]["checked_by"] == ["main"]
    assert all(secret["created"] for secret in secrets.values())
    shown = running_stack.ok("describe").stdout + str(found)
    key = Path(running_stack.endpoint()["api_key_file"]).read_text().strip()
    assert key not in shown
