"""Real HAProxy, squid and Valkey: images built here from Debian packages, and a small stack around each.

The images are those that docgenctl itself makes where no registry answers; they and the packages are kept
between runs.
"""

import os
from pathlib import Path

import platformdirs
import pytest

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.images.base_image import BaseFiles, make_base
from docgenctl.images.context import Context, proxy_context
from docgenctl.model.stack import LABEL_CONTENT_DIGEST
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.rendering.dockerfiles import render_dockerfile
from tests.engine_fixtures import engine, sweep
from tests.unit.rendering.blueprints import TEMPLATES

__all__ = ["engine", "sweep"]


@pytest.fixture(scope="session")
def base(engine: DockerEngine) -> BaseFiles:
    cache = Path(os.environ.get("DOCGENCTL_CACHE_DIR") or platformdirs.user_cache_path("docgenctl"))
    files = make_base(cache, engine.info().architecture, lambda line: None)
    if engine.find_image(files.reference) is None:
        engine.import_image(files.root_tar, files.reference, ('CMD ["bash"]',))
    return files


@pytest.fixture(scope="session")
def base_image(engine: DockerEngine, base: BaseFiles) -> ImageChoice:
    """Python and bash, for stand-ins."""
    found = engine.find_image(base.reference)
    assert found is not None
    return ImageChoice(reference=base.reference, id=found.id)


@pytest.fixture(scope="session")
def gateway_image(engine: DockerEngine, base: BaseFiles) -> ImageChoice:
    dockerfile = render_dockerfile("gateway", {"base": base.reference, "debs": True, "uid": 10001}, TEMPLATES)
    return built(engine, "gateway", proxy_context(dockerfile, base.gateway_debs))


@pytest.fixture(scope="session")
def egress_image(engine: DockerEngine, base: BaseFiles) -> ImageChoice:
    dockerfile = render_dockerfile("egress", {"base": base.reference, "debs": True, "uid": 10001}, TEMPLATES)
    return built(engine, "egress", proxy_context(dockerfile, base.egress_debs))


@pytest.fixture(scope="session")
def valkey_image(engine: DockerEngine, base: BaseFiles) -> ImageChoice:
    dockerfile = render_dockerfile("valkey", {"base": base.reference, "debs": True, "uid": 10001}, TEMPLATES)
    return built(engine, "valkey", proxy_context(dockerfile, base.valkey_debs))


def built(engine: DockerEngine, name: str, context: Context) -> ImageChoice:
    reference = context.reference(name)
    found = engine.find_image(reference)
    if found is None:
        with context.data as data:
            labels = {LABEL_CONTENT_DIGEST: context.digest}
            found = engine.build_image(data, reference, labels, lambda line: None)
    return ImageChoice(reference=reference, id=found.id)
