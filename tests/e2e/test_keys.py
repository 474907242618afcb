"""Clients' keys on the real engine, and where their values are not."""

import io
import tarfile
from collections.abc import Iterator

import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.keys_story import KeysStory, make, until
from tests.e2e.repositories import python_repository
from tests.e2e.stack import SERVICES, Door, Stack

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def running_stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: its keys change."""
    place = tmp_path_factory.mktemp("keys")
    folder = place / "harbour"
    folder.mkdir()
    folder.chmod(0o755)
    stack = Stack(engine, python_repository(folder), place / "state", word="keys")
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def door(running_stack: Stack) -> Door:
    return Door.of(running_stack.endpoint())


class TestKeys(KeysStory):
    """All of the story, with containers."""


def test_a_keys_value_is_in_no_state_volume_log_label_or_environment(
    running_stack: Stack, door: Door, api: APIClient
) -> None:
    key = make(running_stack, "searched", "--rate", "100/s")
    raw = key.encode()
    with door.http() as http:
        until(http, key, 200)
        http.get(f"/nothing?key={key}&api_key={key}")
        http.get("/metrics", headers={"Authorization": f"Bearer {key}x"})
    running_stack.ok("keys", "list", "--json")
    files = [p for p in running_stack.state_dir.rglob("*") if p.is_file() and raw in p.read_bytes()]
    assert files == []
    rendered = [p for p in running_stack.directory.rglob("*") if p.is_file() and raw in p.read_bytes()]
    assert rendered == []
    containers = running_stack.containers()
    for service in SERVICES:
        assert raw not in str(api.inspect_container(containers[service])).encode(), service
        assert raw not in api.logs(containers[service]), service
    held = b"".join(_files(api, containers["orchestrator"], "/run/secrets/"))
    assert b'"id": "searched"' in held, "the search looks where the key's hash is"
    assert raw not in held
    assert raw.decode() not in running_stack.ok("history", "--json").stdout
    running_stack.ok("keys", "revoke", "searched")


def _files(api: APIClient, container: str, path: str) -> Iterator[bytes]:
    stream, _ = api.get_archive(container, path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        for entry in tar:
            if entry.isfile() and (file := tar.extractfile(entry)):
                yield file.read()
