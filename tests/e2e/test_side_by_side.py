"""Stacks side by side, started at the same time out of the same ranges and the same pools."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import combinations

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import SERVICES, Stack, wait_until

pytestmark = pytest.mark.engine

#: Ranges that all stacks share, below the ports that the kernel hands out by itself.
RANGES = {
    "ports": {"orchestrator": "18000-18099"},
    "servers": {
        "main": {"port": "18100-18199", "health_port": "18200-18299"},
        "github": {"port": "18300-18399"},
    },
    "limits": {"memory": "400m"},
}


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("count", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_stacks_started_at_once_get_ports_and_subnets_of_their_own_and_leave_nothing(
    count: int, engine: DockerEngine, workspace: MakeStack
) -> None:
    stacks = [workspace(f"side{number}", settings=RANGES) for number in range(count)]
    with ThreadPoolExecutor(3) as pool:
        documents = list(pool.map(lambda stack: stack.up("--timeout", "600", timeout=1500), stacks))
    assert all(document["changed"] for document in documents)

    ports = [port for document in documents for port in document["ports"].values()]
    assert len(set(ports)) == len(ports) == 4 * count
    seen = [engine.observe(stack.project) for stack in stacks]
    assert all({c.service for c in each.containers} == set(SERVICES) for each in seen)
    subnets = [IPv4Network(network.subnet) for each in seen for network in each.networks]
    assert len(subnets) == 5 * count
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(calls_a_tool, stacks)) == [True] * count
        assert list(pool.map(owns_its_ports, stacks)) == [True] * count
        list(pool.map(lambda stack: stack.ok("down", "--volumes", "--yes", timeout=600), stacks))
    for stack in stacks:
        left = engine.observe(stack.project)
        assert (left.containers, left.networks, left.volumes) == ((), (), ())


def calls_a_tool(stack: Stack) -> bool:
    """A call that works, with patience: a hundred containers on two cores answer late, each in its turn."""

    def works() -> bool:
        ran = stack.run("tools", "call", "files_list")
        return ran.exit_code == 0 and "README.md" in ran.stdout

    return bool(wait_until(works, 180, f"a tool call to {stack.project}"))


def owns_its_ports(stack: Stack) -> bool:
    rows = stack.ok("ports", "--json").document
    return all(row["used_by_this_stack"] and row["holder"]["project"] == stack.project for row in rows)
