"""Orphans of real projects on the real engine: found by proof, removed one project at a time."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from docgenctl.actions.doctor.leftover_checks import orphans
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Repair
from docgenctl.model.stack import LABEL_ROLE, Volume, VolumePurpose
from tests.contract.laboratory import Laboratory

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]


def labelled(volume: Volume) -> Volume:
    """As a stack's volumes are: with their purpose."""
    return replace(volume, labels={LABEL_ROLE: volume.purpose.value})


def offered(laboratory: Laboratory, state: Path) -> tuple[Repair, ...]:
    address = laboratory.engine.info().address
    environ = {**os.environ, "DOCGENCTL_STATE_DIR": str(state), "DOCKER_HOST": address}
    return orphans(Scene(state.parent, environ)).repairs


def test_a_stack_whose_directory_is_gone_is_removed_but_for_its_data_and_its_namesake_stays(
    docker_laboratory: Laboratory, tmp_path: Path
) -> None:
    laboratory, engine = docker_laboratory, docker_laboratory.engine
    project = laboratory.project("lost")
    neighbour = laboratory.project("2", project)
    home = tmp_path / "home"
    home.mkdir()
    gone = str(tmp_path / "gone")
    for name, directory in ((project, gone), (neighbour, str(home))):
        volumes = tuple(
            labelled(laboratory.volume(name, purpose))
            for purpose in (VolumePurpose.SCRATCH, VolumePurpose.DATA)
        )
        service = laboratory.service(name)
        stack = laboratory.stack(name, service, volumes=volumes, workspace=directory, project_id=name)
        laboratory.run(service, stack)
        for volume in volumes:
            engine.create_volume(volume, stack)

    # The engine is shared: only what speaks of this project is done.
    mine = [repair for repair in offered(laboratory, tmp_path / "state") if project in repair.what]
    assert {" ".join(repair.what.split()[1:3]) for repair in mine} == {
        f"container {project}-one-1",
        f"network {project}_a",
        f"volume {project}_scratch",
    }
    for repair in mine:
        repair.run()
        repair.run()

    left = engine.observe(project)
    assert (left.containers, left.networks) == ((), ())
    assert [volume.name for volume in left.volumes] == [f"{project}_data"]
    stays = engine.observe(neighbour)
    assert (len(stays.containers), len(stays.networks), len(stays.volumes)) == (1, 1, 2)
    assert not [repair for repair in offered(laboratory, tmp_path / "state") if project in repair.what]
