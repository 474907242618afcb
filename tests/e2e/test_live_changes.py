"""What a stack takes over while it runs: every container stays, and serves."""

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


def test_gateway_and_egress_reload_and_networks_are_mended_without_a_new_container(
    workspace: MakeStack, api: APIClient
) -> None:
    stack = workspace()
    stack.up()
    before = stack.containers()

    stack.configure(
        {
            "gateway": {"hostnames": ["localhost", "docs.example.com"]},
            "servers": {"github": {"egress": {"allow": ["example.com"]}}},
        }
    )
    planned = stack.ok("plan", "--json").document
    told = {(step["verb"], step["subject"], step["cause"]) for step in planned["steps"]}
    assert told == {
        ("reload", "gateway", "configuration and secrets changed"),
        ("reload", "egress", "configuration changed"),
    }
    assert not any(service["interrupts"] for service in planned["services"])
    stack.up()
    assert stack.containers() == before
    assert stack.ok("plan", "--json").document["changes"] is False

    network = f"{stack.project}_mcp-main"
    api.disconnect_container_from_network(before["orchestrator"], network)
    drifted = stack.ok("plan", "--json").document
    assert [(step["verb"], step["subject"]) for step in drifted["steps"]] == [("connect", "orchestrator")]
    repaired = stack.up()
    assert repaired["proofs"]
    assert stack.containers() == before
