"""One body of tests, every engine: `laboratory` comes once with each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.engine.processes.engine import ProcessEngine
from tests.contract.fake_engine import FakeEngine
from tests.contract.laboratory import PROGRAMS, Laboratory, process_context
from tests.engine_fixtures import (
    BUSYBOX,
    busybox,
    compose_plugin,
    engine,
    project_name,
    remove_project,
    sweep,
)

__all__ = [
    "busybox",
    "compose_plugin",
    "docker_laboratory",
    "engine",
    "fake_laboratory",
    "laboratory",
    "process_laboratory",
    "sweep",
]


@pytest.fixture
def fake_laboratory() -> Laboratory:
    fake = FakeEngine(PROGRAMS)
    image = fake.add_image(BUSYBOX)
    return Laboratory(
        engine=fake,
        image=BUSYBOX,
        image_id=image.id,
        project=project_name,
    )


@pytest.fixture
def docker_laboratory(engine, busybox, sweep) -> Laboratory:
    return Laboratory(engine=engine, image=BUSYBOX, image_id=busybox.id, project=sweep)


@pytest.fixture
def process_laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    home = tmp_path / "home"
    processes = ProcessEngine(home, tmp_path / "images")
    image = processes.build_image(process_context(), BUSYBOX, {}, lambda line: None)
    names: list[str] = []

    def project(word: str, beginning: str = "") -> str:
        names.append(project_name(word, beginning))
        return names[-1]

    yield Laboratory(
        engine=processes, image=BUSYBOX, image_id=image.id, project=project, context=process_context
    )
    for name in names:
        remove_project(processes, name)
    processes.close()
    assert not home.exists(), "nothing stays behind"


@pytest.fixture(params=["fake", "process", pytest.param("docker", marks=pytest.mark.engine)])
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    return request.getfixturevalue(f"{request.param}_laboratory")
