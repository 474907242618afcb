"""Ports as `ports` and `up` tell them, with real sockets and an engine in memory."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from docgenctl.actions.diagnose_port import diagnose_ports
from docgenctl.actions.draw_blueprint import draw_blueprint
from docgenctl.actions.list_ports import PortRow, list_ports
from docgenctl.actions.open_project import OpenProject
from docgenctl.model.errors import PortTakenError, SubnetTakenError
from docgenctl.model.observed import ObservedNetwork
from docgenctl.state.store import StateStore
from tests.unit.actions.conftest import OpenWith
from tests.unit.actions.stage import Stage, free_range


@contextmanager
def taken(*ports: int, listening: bool = True) -> Iterator[None]:
    """Somebody (this test's own process) holds them."""
    with ExitStack() as held:
        for port in ports:
            holder = held.enter_context(socket.socket())
            if listening:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", port))
            if listening:
                holder.listen()
        yield


def row(opened: OpenProject, purpose: str, stage: Stage | None = None) -> PortRow:
    rows = list_ports(opened, stage.engine if stage else None)
    return next(row for row in rows if row.purpose == purpose)


def first_of(opened: OpenProject, purpose: str) -> int:
    return row(opened, purpose).range.first


def test_before_the_first_up_the_port_it_would_take_is_shown(open_with: OpenWith) -> None:
    opened = open_with()
    first = first_of(opened, "main")
    with taken(first):
        seen = row(opened, "main")
    assert (seen.port, seen.remembered, seen.usable, seen.holder) == (first + 1, False, True, None)
    assert StateStore(opened.state_dir).read().ports == {}


def test_the_origin_of_a_range_is_told(open_with: OpenWith) -> None:
    assert row(open_with(), "main").chosen_by == "flag --port"
    assert row(open_with(), "main_health").chosen_by == "flag --health-port"
    assert row(open_with(), "orchestrator").chosen_by == "flag --port"


def test_a_running_stack_s_port_is_its_own(stage: Stage) -> None:
    stage.decide_and_do()
    with taken(first_of(stage.opened, "main")):
        seen = row(stage.opened, "main", stage)
    assert (seen.remembered, seen.usable, seen.used_by_us) == (True, True, True)
    assert str(seen.holder) == "container demo-gateway-1 of demo"


def test_a_remembered_port_that_somebody_took_names_who(stage: Stage) -> None:
    draw_blueprint(stage.opened, None)
    with taken(first_of(stage.opened, "main")):
        seen = row(stage.opened, "main", stage)
    assert (seen.remembered, seen.usable, seen.used_by_us) == (True, False, False)
    assert seen.holder is not None
    assert seen.holder.pid == os.getpid()


def test_a_substituted_port_is_said_and_its_reason_kept_as_long_as_the_port(stage: Stage) -> None:
    first = first_of(stage.opened, "main")
    draw_blueprint(stage.opened, None)
    with taken(first):
        stage.decide_and_do()
    said = [line for line in stage.listener.said if line.startswith("main takes port")]
    assert said == [f"main takes port {first + 1}: its remembered choice {first} is held by {row_holder()}"]
    reason = StateStore(stage.opened.state_dir).read().substituted_ports["main"]
    assert (reason.port, reason.instead_of, reason.holder) == (first + 1, first, row_holder())
    assert row(stage.opened, "main").instead_of == reason

    stage.decide_and_do()
    assert [line for line in stage.listener.said if line.startswith("main takes port")] == said
    assert StateStore(stage.opened.state_dir).read().substituted_ports["main"] == reason


def row_holder() -> str:
    """This very process, as the kernel's tables name it."""
    with socket.create_server(("127.0.0.1", 0)) as own:
        (found,) = diagnose_ports([own.getsockname()[1]], "127.0.0.1", None)
    return str(found.holder)


def test_an_exhausted_range_tells_what_was_tried_and_who_holds_it(open_with: OpenWith) -> None:
    opened = open_with({"servers": {"main": {"port": free_range(3)}, "github": {"port": free_range()}}})
    first = first_of(opened, "main")
    with taken(first, first + 1, first + 2), pytest.raises(PortTakenError) as caught:
        draw_blueprint(opened, None)
    assert caught.value.message == f"no free port for main ({first}-{first + 2})"
    assert caught.value.details == (
        f"main: tried all 3 ports from {first} to {first + 2}",
        *(f"  {port}: {row_holder()}" for port in range(first, first + 3)),
    )
    assert StateStore(opened.state_dir).read().ports == {}


def test_a_taken_port_is_diagnosed_with_process_and_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        (found,) = diagnose_ports([port], "127.0.0.1", None)
    assert not found.free
    assert found.holder is not None
    assert found.evidence == f"{found.holder} listens on it"
    assert found.fix == f"kill {os.getpid()}"


def test_a_socket_that_only_holds_a_port_is_told_as_not_told() -> None:
    port = int(free_range(1).split("-")[0])
    with taken(port, listening=False):
        (found,) = diagnose_ports([port], "127.0.0.1", None)
    assert not found.free
    assert found.holder is None
    assert "nobody listens" in found.evidence


def test_a_listener_on_another_address_leaves_the_port_free() -> None:
    with socket.create_server(("127.0.0.2", 0)) as other:
        (found,) = diagnose_ports([other.getsockname()[1]], "127.0.0.1", None)
    assert found.free
    assert "leaves 127.0.0.1 free" in found.evidence


def test_a_port_of_another_stack_is_told_with_what_stops_that_stack(stage: Stage) -> None:
    stage.decide_and_do()
    port = first_of(stage.opened, "main")
    with taken(port):
        (theirs,) = diagnose_ports([port], "127.0.0.1", stage.engine, project="other")
        (ours,) = diagnose_ports([port], "127.0.0.1", stage.engine, project="demo")
    assert theirs.fix == "docker compose -p demo stop"
    assert (ours.evidence, ours.fix) == ("this stack publishes it, by container demo-gateway-1", "")


def test_an_engine_that_does_not_answer_leaves_what_the_kernel_tells(stage: Stage) -> None:
    from docgenctl.model.errors import EngineError

    stage.engine.fail_next("inventory", EngineError("gone"))
    with socket.create_server(("127.0.0.1", 0)) as own:
        (found,) = diagnose_ports([own.getsockname()[1]], "127.0.0.1", stage.engine)
    assert found.holder is not None
    assert found.holder.pid == os.getpid()


def test_a_network_makes_way_for_one_that_came_over_its_subnet_and_says_so(stage: Stage) -> None:
    before = draw_blueprint(stage.opened, stage.engine.observe("demo")).subnets["mcp-main"]
    stage.engine.networks["tunnel"] = ObservedNetwork(id="t", name="tunnel", subnet=before, labels={})
    stage.decide_and_do()
    after = StateStore(stage.opened.state_dir).read().subnets["mcp-main"]
    assert after != before
    said = [line for line in stage.listener.said if line.startswith("mcp-main moves")]
    assert said == [
        f"mcp-main moves from {before} to {after}: another network of the engine ({before}) overlaps it"
    ]


def test_a_full_pool_tells_who_takes_it(stage: Stage) -> None:
    pool = str(stage.opened.configuration.settings.networks.backend_pool)
    stage.engine.networks["office"] = ObservedNetwork(id="o", name="office", subnet=pool, labels={})
    with pytest.raises(SubnetTakenError) as caught:
        draw_blueprint(stage.opened, stage.engine.observe("demo"))
    assert f"{pool}: another network of the engine" in caught.value.details
