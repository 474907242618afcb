"""Fixtures for tests on the real engine: the engine, a tiny image made here, and a sweeper.

Import them into a conftest: `from tests.engine_fixtures import busybox, compose_plugin, engine, sweep`.
"""

import io
import os
import re
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest

from docgenctl.engine.discovery import connect
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.engine.labels import find_plugin
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import ObservedImage

#: Kept between runs: several test processes share it, and it costs 2 MB.
BUSYBOX = "docgenctl-test/busybox:2"


def skip_unless_in_ci(reason: str) -> NoReturn:
    """What is missing may be missed on a desk, never in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """The machine's engine; without one the test is skipped, or fails in CI."""
    try:
        found = connect(os.environ)
    except EngineError as error:
        skip_unless_in_ci(f"no Docker Engine: {error.message} ({error.code})")
    yield found
    found.close()


@pytest.fixture(scope="session")
def busybox(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> ObservedImage:
    """An image of a static busybox and this machine's bash, made without a registry.

    bash is there for its `/dev/tcp`: a static busybox cannot look names up.
    """
    present = engine.find_image(BUSYBOX)
    if present is not None:
        return present
    folder = tmp_path_factory.mktemp("busybox")
    root = folder / "root.tar"
    root.write_bytes(_root_of(_static_busybox(folder)))
    return engine.import_image(root, BUSYBOX, ("ENV PATH=/bin", 'CMD ["sh"]'))


@pytest.fixture(scope="session")
def compose_plugin() -> Path:
    """The Compose plugin's program: the one that `make compose` fetched, else the machine's own."""
    cache = os.environ.get("DOCGENCTL_CACHE_DIR") or platformdirs.user_cache_dir("docgenctl")
    plugin = find_plugin({"DOCKER_CONFIG": f"{cache}/compose"})
    if plugin is None:
        skip_unless_in_ci("no Compose plugin: make compose")
    return plugin


@pytest.fixture
def sweep(engine: DockerEngine) -> Iterator[Callable[..., str]]:
    """Makes project names of its own; whatever carries them is gone after the test, however it ended."""
    projects: list[str] = []

    def project(word: str, beginning: str = "") -> str:
        projects.append(project_name(word, beginning))
        return projects[-1]

    yield project
    for name in projects:
        remove_project(engine, name)


def project_name(word: str, beginning: str = "") -> str:
    """A name that nobody else has, or one that continues `beginning`."""
    return f"{beginning}{word}" if beginning else f"docgenctl-test-{uuid.uuid4().hex[:8]}-{word}"


def remove_project(engine: DockerEngine, project: str) -> None:
    """Remove everything of one project, data too, by ids."""
    seen = engine.observe(project)
    for container in seen.containers:
        engine.remove_container(container.id)
    for network in seen.networks:
        engine.remove_network(network.id)
    for volume in seen.volumes:
        engine.remove_volume(volume.name)


def _static_busybox(folder: Path) -> Path:
    """The machine's own when it is static, else from Debian's package, which is only unpacked."""
    own = shutil.which("busybox")
    if own and b"ld-linux" not in Path(own).read_bytes()[:4096]:
        return Path(own)
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        skip_unless_in_ci("no static busybox: apt-get install busybox-static")
    subprocess.run(["apt-get", "download", "-qq", "busybox-static"], cwd=folder, check=True, timeout=120)
    package = next(folder.glob("busybox-static*.deb"))
    subprocess.run(["dpkg", "-x", package, folder / "unpacked"], check=True, timeout=60)
    return next((folder / "unpacked").glob("**/bin/busybox"))


def _root_of(busybox: Path) -> bytes:
    names = subprocess.run([busybox, "--list"], capture_output=True, check=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "dev", "etc", "proc", "run", "sys", "tmp"):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755))
        program = _entry("bin/busybox", tarfile.REGTYPE, 0o755)
        data = busybox.read_bytes()
        program.size = len(data)
        tar.addfile(program, io.BytesIO(data))
        bash = shutil.which("bash") or "/bin/bash"
        for path in (bash, *_libraries(bash)):
            tar.add(Path(path).resolve(), "bin/bash" if path == bash else path.lstrip("/"))
        for name in names:
            if name not in ("busybox", "bash"):
                link = _entry(f"bin/{name}", tarfile.SYMTYPE, 0o777)
                link.linkname = "busybox"
                tar.addfile(link)
    return buffer.getvalue()


def _libraries(program: str) -> list[str]:
    """Shared libraries of a program, by the paths it looks for them."""
    listing = subprocess.run(["ldd", program], capture_output=True, check=True, text=True).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry
