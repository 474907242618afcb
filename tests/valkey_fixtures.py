"""The store of rates as a stack runs it: its image, files and hardening; published, to be reached here.

Import `valkey_image` with what it needs from `tests.unit.rendering.conftest`.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.blueprint import LIMITS_STORE, VALKEY_PORT
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Attachment, PortBinding
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.rendering.configuration_files import render_service_files
from docgenctl.secrets.stack_secrets import ensure_stack_secrets
from docgenctl.secrets.store import FileStore
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import TEMPLATES
from tests.unit.rendering.small_stack import SmallStack, free_port, make_small_stack, wait_until

SETTINGS = {"servers": {"main": {}}, "orchestrator": {"shared_limits": "always"}}


@dataclass(kw_only=True)
class RunningValkey:
    """The store in its container, at a port of 127.0.0.1."""

    parts: SmallStack
    container: str
    port: int
    secret: Secret

    @property
    def password(self) -> str:
        """What it is opened with."""
        return self.secret.reveal()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    def healthy(self) -> bool:
        """What its own check says."""
        command = self.parts.stack.service("valkey").health_check.command
        return self.parts.engine.execute(self.container, command).exit_code == 0

    def pause(self) -> None:
        """Stop it in the middle of whatever it does; connections stay open, nothing is answered."""
        self._control("pause")

    def go_on(self) -> None:
        """End a pause."""
        self._control("unpause")

    def kill(self) -> None:
        """End it without a chance to write anything, and leave it dead."""
        self._control("kill")

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self.parts.engine.start_container(self.container)
        wait_until(self.healthy)

    def restart(self) -> None:
        """Stop it as the engine stops containers, and start it again."""
        self.parts.engine.restart_container(self.container, 10)
        wait_until(self.healthy)

    def _control(self, verb: str) -> None:
        with contextlib.closing(docker.from_env()) as client:
            getattr(client.containers.get(self.container), verb)()


@contextlib.contextmanager
def run_valkey(
    engine: DockerEngine,
    image: ImageChoice,
    base_image: ImageChoice,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[RunningValkey]:
    """The service `valkey` of a stack, where ports can be published; `settings` are more of docgen.yaml."""
    project, port = project_name("valkey"), free_port()
    state = folder / "state"
    state.mkdir(mode=0o700)
    try:
        parts = make_small_stack(
            engine, project, folder, {**SETTINGS, **(settings or {})}, {"valkey": image}, base_image
        )
        secrets = ensure_stack_secrets(
            FileStore(state), state, parts.blueprint.servers, now=datetime.now(UTC), shared_limits=True
        )
        files = render_service_files(parts.blueprint, TEMPLATES)["valkey"]
        parts.fill("valkey-config", {name: text.encode() for name, text in files.items()}, base_image)
        parts.fill("valkey-secrets", secrets.files_for("valkey"), base_image)
        parts.fill("valkey-scratch", {}, base_image)
        service = replace(
            parts.stack.service("valkey"),
            networks=(Attachment(network="mcp-frontend", aliases=("valkey",)),),
            ports=(
                PortBinding(purpose="store", host_ip="127.0.0.1", host_port=port, container_port=VALKEY_PORT),
            ),
        )
        container = parts.start(service)["valkey"]
        password = secrets.files_for("orchestrator")[LIMITS_STORE]
        assert isinstance(password, Secret)
        running = RunningValkey(parts=parts, container=container, port=port, secret=password)
        wait_until(running.healthy)
        yield running
    finally:
        remove_project(engine, project)
