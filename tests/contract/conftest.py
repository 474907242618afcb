"""One body of tests, every engine: `laboratory` comes once with the fake and once with the real one."""

import pytest

from tests.contract.fake_engine import FakeEngine
from tests.contract.laboratory import PROGRAMS, Laboratory
from tests.engine_fixtures import BUSYBOX, busybox, compose_plugin, engine, project_name, sweep

__all__ = [
    "busybox",
    "compose_plugin",
    "docker_laboratory",
    "engine",
    "fake_laboratory",
    "laboratory",
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


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    return request.getfixturevalue(f"{request.param}_laboratory")
