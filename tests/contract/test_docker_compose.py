"""A stack of ours in the eyes of Compose. Needs the Compose plugin besides the engine."""

import subprocess
from pathlib import Path

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.engine.labels import ConfigHashes
from docgenctl.model.stack import Stack
from tests.contract.laboratory import Laboratory

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]


def _compose(plugin: Path, stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [plugin, "--project-name", stack.project, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _written(stack: Stack, image: str) -> None:
    """The same service and network as a compose file."""
    service, network = stack.services[0], stack.networks[0]
    Path(stack.compose_file).write_text(
        f"""
name: {stack.project}
services:
  one:
    image: {image}
    container_name: {service.container_name}
    command: ["sleep", "3600"]
    networks: {{a: {{}}}}
networks:
  a: {{name: {network.name}, internal: true, ipam: {{config: [{{subnet: {network.subnet}}}]}}}}
"""
    )


def test_compose_sees_logs_and_removes_a_stack_of_ours(
    engine: DockerEngine,
    docker_laboratory: Laboratory,
    compose_plugin: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(compose_plugin.parents[1]))
    project = docker_laboratory.project("compose")
    service = docker_laboratory.service(project, command=("sh", "-c", "echo seen; exec sleep 3600"))
    place = {"workspace": str(tmp_path), "compose_file": str(tmp_path / "docker-compose.mcp.yml")}
    stack = docker_laboratory.stack(project, service, **place)
    _written(stack, docker_laboratory.image)
    container_id = docker_laboratory.run(service, stack)

    assert ConfigHashes().of(service, stack) != service.digest
    assert docker_laboratory.seen(container_id).labels["com.docker.compose.config-hash"] != service.digest
    assert project in _compose(compose_plugin, stack, "ls", "--all").stdout
    assert service.container_name in _compose(compose_plugin, stack, "ps").stdout
    assert "seen" in _compose(compose_plugin, stack, "logs").stdout
    again = _compose(compose_plugin, stack, "--file", stack.compose_file, "up", "--detach", "--no-build")
    assert again.returncode == 0, again.stderr
    assert docker_laboratory.seen(container_id).id == container_id
    down = _compose(compose_plugin, stack, "down", "--timeout", "1")
    assert down.returncode == 0, down.stderr
    assert engine.observe(project).containers == ()
    assert engine.observe(project).networks == ()
