"""A real store of rates, in the image and the container that a stack would run."""

from collections.abc import Iterator

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.planning.assemble_stack import ImageChoice
from tests.unit.rendering.conftest import base, base_image, engine, valkey_image
from tests.valkey_fixtures import RunningValkey, run_valkey

__all__ = ["base", "base_image", "engine", "valkey_image"]


@pytest.fixture(scope="module")
def valkey(
    engine: DockerEngine,
    valkey_image: ImageChoice,
    base_image: ImageChoice,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningValkey]:
    folder = tmp_path_factory.mktemp("valkey")
    with run_valkey(engine, valkey_image, base_image, folder) as running:
        yield running
