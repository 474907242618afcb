"""Rounds of deciding and doing: what is free when probed may be taken when used."""

import pytest

from docgenctl.actions.down import take_down
from docgenctl.actions.open_project import OpenProject
from docgenctl.model.errors import (
    EngineError,
    PortTakenError,
    RefusedError,
    SubnetTakenError,
)
from docgenctl.model.setting_values import PortRange
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from docgenctl.state.store import StateStore
from tests.contract.fake_engine import FakeEngine
from tests.unit.actions.conftest import OpenWith, recipes_of
from tests.unit.actions.stage import Stage, free_range


def remembered(opened: OpenProject) -> dict[str, int]:
    return StateStore(opened.state_dir).read().ports


def main_range(opened: OpenProject) -> PortRange:
    wanted = opened.configuration.settings.servers["main"].port
    assert wanted is not None
    return wanted


def test_a_first_up_makes_everything_and_a_second_nothing(stage: Stage) -> None:
    first = stage.decide_and_do()
    assert len(first.touching(first.steps[0].verb)) == 5
    assert {c.state for c in stage.engine.observe("demo").containers} == {"running"}

    stage.engine.calls.clear()
    assert stage.decide_and_do().empty
    assert stage.engine.calls == []


def test_files_are_written_before_the_engine_is_touched(stage: Stage) -> None:
    stage.engine.fail_next("create_network", EngineError("no"))
    with pytest.raises(EngineError):
        stage.decide_and_do()
    assert (stage.opened.project.directory / "docker-compose.mcp.yml").exists()


def test_a_port_that_is_taken_between_probing_and_binding_costs_a_round(stage: Stage) -> None:
    first = main_range(stage.opened).first
    stage.engine.hold_port(first)

    stage.decide_and_do()

    assert f"port {first} was taken in the meantime; taking another" in stage.listener.said
    assert remembered(stage.opened)["main"] == first + 1
    gateway = stage.engine.observe("demo").container("gateway")
    assert gateway is not None
    assert first + 1 in {port.host_port for port in gateway.ports}
    builds = [method for method, _ in stage.engine.calls if method in ("build_image", "pull_image")]
    assert builds == []


def test_several_taken_ports_are_all_given_up(stage: Stage) -> None:
    first = main_range(stage.opened).first
    stage.engine.hold_port(first)
    stage.engine.hold_port(first + 1)
    stage.decide_and_do()
    assert remembered(stage.opened)["main"] == first + 2


def test_a_whole_range_that_is_taken_ends_with_its_name(stage: Stage) -> None:
    for port in range(main_range(stage.opened).first, main_range(stage.opened).last + 1):
        stage.engine.hold_port(port)
    with pytest.raises(PortTakenError, match=r"no free port for main \(\d+-\d+\)"):
        stage.decide_and_do()


def test_a_fixed_port_that_is_taken_is_not_replaced(open_with: OpenWith, stage: Stage) -> None:
    port = int(free_range(1).split("-")[0])
    stage.opened = open_with({"servers": {"main": {"port": port}, "github": {}}})
    for recipe in recipes_of(stage.opened, stage.engine).values():
        stage.engine.add_image(recipe.reference, {LABEL_CONTENT_DIGEST: recipe.context.digest})
    stage.engine.hold_port(port)

    with pytest.raises(PortTakenError) as caught:
        stage.decide_and_do()

    assert caught.value.host_port == port
    stage.engine.free_port(port)
    stage.decide_and_do()
    assert stage.decide_and_do().empty


def test_a_subnet_that_is_taken_between_looking_and_using_costs_a_round(stage: Stage) -> None:
    subnet = StateStore(stage.opened.state_dir).read().subnets["mcp-frontend"]
    stage.engine.fail_next("create_network", SubnetTakenError("taken", subnet=subnet))

    stage.decide_and_do()

    assert f"subnet {subnet} is in use; taking another" in stage.listener.said
    assert StateStore(stage.opened.state_dir).read().subnets["mcp-frontend"] != subnet
    assert stage.decide_and_do().empty


def test_an_engine_that_refuses_the_same_subnet_twice_is_believed(stage: Stage) -> None:
    for _ in range(12):  # more than one round makes networks
        stage.engine.fail_next("create_network", SubnetTakenError("taken", subnet="10.9.9.0/28"))
    with pytest.raises(SubnetTakenError):
        stage.decide_and_do()


def test_ports_survive_a_stack_that_is_down(stage: Stage) -> None:
    stage.decide_and_do()
    before = remembered(stage.opened)
    for container in list(stage.engine.containers):
        stage.engine.remove_container(container)
    stage.decide_and_do()
    assert remembered(stage.opened) == before


def test_a_folder_that_cannot_be_the_output_is_refused_before_anything_is_made(stage: Stage) -> None:
    folder = stage.opened.project.directory / "docs"
    folder.symlink_to("/tmp")
    with pytest.raises(RefusedError, match="must be a directory"):
        stage.decide_and_do()
    assert stage.engine.calls == []


class CutOff(FakeEngine):
    """Ends the command before the `last`-th change, as SIGKILL would."""

    last = 0

    def _call(self, method: str, subject: str, *, changes: bool = True) -> None:
        if changes and len(self.calls) >= self.last > 0:
            raise KeyboardInterrupt
        super()._call(method, subject, changes=changes)


def test_up_that_is_cut_off_before_any_change_is_finished_by_the_next_one(stage: Stage) -> None:
    images = stage.engine.images
    whole = len(stage.decide_and_do().steps)
    for last in range(1, whole + 1, 3):
        engine = CutOff()
        engine.images = images
        stage.engine = engine
        engine.last = last
        with pytest.raises(KeyboardInterrupt):
            stage.decide_and_do()

        engine.last = 0
        if last % 2:
            stage.decide_and_do()
            assert stage.decide_and_do().empty
        take_down(stage.opened, engine, stage.listener, with_data=True)
        left = engine.observe("demo")
        assert (left.containers, left.networks, left.volumes) == ((), (), ())
