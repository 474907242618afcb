"""Deciding ports and subnets; the choices themselves are tried in tests/unit/planning."""

import socket
from pathlib import Path

import pytest

from docgenctl.actions.draw_blueprint import draw_blueprint, moved_subnets
from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.model.errors import SubnetTakenError
from docgenctl.model.observed import Observation

#: Networks of a stack with a store of rates, whose first subnet went to a server while there was none.
AFTER = {"mcp-time": "10.0.0.0/28", "mcp-valkey": "10.0.0.16/28"}


@pytest.fixture
def opened(tmp_path: Path) -> OpenProject:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    environ = {
        "DOCGENCTL_STATE_DIR": str(tmp_path / "state"),
        "DOCGENCTL_CACHE_DIR": str(tmp_path / "cache"),
    }
    return open_project(workspace, environ)


def everything_taken(*, isolates: bool) -> Observation:
    return Observation(
        containers=(), networks=(), volumes=(), foreign_subnets=("10.213.0.0/16",), isolates=isolates
    )


def test_subnets_that_others_use_count_for_containers(opened: OpenProject) -> None:
    with pytest.raises(SubnetTakenError):
        draw_blueprint(opened, everything_taken(isolates=True))


def test_a_network_that_lost_its_subnet_to_another_of_the_stack_is_told_so() -> None:
    (move,) = moved_subnets({"mcp-valkey": "10.0.0.0/28"}, AFTER, {})
    assert (move.network, move.subnet) == ("mcp-valkey", "10.0.0.16/28")
    assert move.cause == "mcp-time got it meanwhile"
    (shrunk,) = moved_subnets({"mcp-valkey": "10.9.0.0/28"}, AFTER, {})
    assert shrunk.cause == "its pool was changed"


def test_subnets_that_others_use_are_in_nobodys_way_without_containers(opened: OpenProject) -> None:
    first = draw_blueprint(opened, everything_taken(isolates=False))
    again = draw_blueprint(opened, everything_taken(isolates=False))
    assert first.subnets == again.subnets
    assert again.subnet_moves == ()


def test_without_an_engine_a_held_port_may_be_held_by_this_stack_and_stays(opened: OpenProject) -> None:
    first = draw_blueprint(opened, everything_taken(isolates=False))
    with socket.create_server(("127.0.0.1", first.ports["main"])):
        unseen = draw_blueprint(opened, None)
        seen = draw_blueprint(opened, everything_taken(isolates=False))
    assert (unseen.ports, unseen.substitutions) == (first.ports, ())
    assert seen.ports["main"] != first.ports["main"]
