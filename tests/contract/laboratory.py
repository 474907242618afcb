"""Small stacks to try an engine with: the same for the fake and the real one."""

import io
import json
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import SubnetTakenError
from docgenctl.model.observed import ContainerEvent, Health, ObservedContainer
from docgenctl.model.stack import (
    PROCESS_RECIPE,
    Attachment,
    HealthCheck,
    Limits,
    Network,
    PortBinding,
    Service,
    Stack,
    TmpfsMount,
    Volume,
    VolumePurpose,
)
from tests.contract.fake_engine import FakeEngine
from tests.contract.fake_parts import Program
from tests.engine_fixtures import BUSYBOX

OWNER = "10001:10001"

RESTS = ("sleep", "3600")
SICKENS = ("sleep", "3601")
PRINTS = ("sh", "-c", "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exec sleep 3600")
CRASHES = ("sh", "-c", "echo starting; sleep 0.1; echo 'cannot go on' >&2; exit 3")
ASKS = ("sh", "-c", "echo said; exit 4")

#: What the fake engine needs to know of the commands that the real one runs.
PROGRAMS: dict[tuple[str, ...] | str, Program] = {
    SICKENS: Program(health=Health.UNHEALTHY),
    PRINTS: Program(output=(("stdout", "one"), ("stderr", "two"), ("stdout", "three"))),
    CRASHES: Program(output=(("stdout", "starting"), ("stderr", "cannot go on")), exit_code=3),
    ASKS: Program(output=(("stdout", "said"),), exit_code=4),
}


@dataclass
class Laboratory:
    """An engine to try, an image to run, and names that are swept away afterwards."""

    engine: Engine
    image: str
    image_id: str
    project: Callable[..., str]
    context: Callable[..., io.BytesIO] = field(default_factory=lambda: docker_context)
    _random: SystemRandom = field(default_factory=SystemRandom)

    def service(
        self, project: str, name: str = "one", command: tuple[str, ...] = RESTS, **more: Any
    ) -> Service:
        """A hardened service on network `a`; `more` replaces its fields."""
        fields: dict[str, Any] = {
            "name": name,
            "container_name": f"{project}-{name}-1",
            "image": self.image,
            "image_id": self.image_id,
            "user": OWNER,
            "networks": (Attachment(network="a", aliases=(name,)),),
            "limits": Limits(cpus=1, memory_bytes=64 << 20, pids=64),
            "health_check": HealthCheck(
                command=("false",) if command == SICKENS else ("true",),
                interval_s=0.2,
                timeout_s=5,
                retries=2,
                start_period_s=0,
            ),
            "command": command,
            "tmpfs": (TmpfsMount(target="/tmp", size_bytes=1 << 20),),
            "restart": "no",
            "stop_grace_s": 2,
        }
        return Service(**(fields | more))

    def stack(
        self,
        project: str,
        *services: Service,
        networks: tuple[Network, ...] = (),
        closed: bool = True,
        **more: Any,
    ) -> Stack:
        """A stack of these services, its volumes and a network `a` made; given networks are not."""
        fields: dict[str, Any] = {
            "project": project,
            "project_id": project[-16:],
            "workspace": "/nowhere/here",
            "compose_file": "/nowhere/here/docker-compose.mcp.yml",
            "services": services,
            "networks": networks,
            "volumes": (),
        }
        draft = Stack(**(fields | more))
        for volume in draft.volumes:
            self.engine.create_volume(volume, draft)
        if networks:
            return draft
        return Stack(**(fields | more | {"networks": (self.network(draft, closed=closed),)}))

    def network(self, stack: Stack, key: str = "a", *, closed: bool = True) -> Network:
        """A network on a free subnet, made."""
        for _ in range(50):
            third, fourth = self._random.randrange(256), self._random.randrange(16) * 16
            network = Network(
                key=key, name=f"{stack.project}_{key}", subnet=f"10.214.{third}.{fourth}/28", closed=closed
            )
            try:
                self.engine.create_network(network, stack)
            except SubnetTakenError:
                continue
            return network
        raise AssertionError("no free subnet in 50 tries")

    def volume(self, project: str, purpose: VolumePurpose = VolumePurpose.CONFIG) -> Volume:
        """A volume of that purpose, not made yet."""
        return Volume(key=purpose.value, name=f"{project}_{purpose.value}", purpose=purpose, owner=OWNER)

    def run(self, service: Service, stack: Stack) -> str:
        """Create and start."""
        container_id = self.engine.create_container(service, stack)
        self.engine.start_container(container_id)
        return container_id

    def seen(self, container_id: str) -> ObservedContainer:
        """The container as the engine tells it; it must be there."""
        container = self.engine.inspect(container_id)
        assert container is not None
        return container

    @contextmanager
    def held_port(self) -> Iterator[int]:
        """A port that a process outside of the engine holds."""
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = int(holder.getsockname()[1])
            if isinstance(self.engine, FakeEngine):
                self.engine.hold_port(port)
            try:
                yield port
            finally:
                if isinstance(self.engine, FakeEngine):
                    self.engine.free_port(port)


def docker_context(*commands: str) -> io.BytesIO:
    """A build context that runs these shell commands in the tiny image."""
    lines = (f"FROM {BUSYBOX}", *(f"RUN {command}" for command in commands))
    return _tar("Dockerfile", "\n".join(lines))


def process_context(*commands: str) -> io.BytesIO:
    """The same for processes."""
    return _tar(PROCESS_RECIPE, json.dumps({"steps": [["sh", "-c", command] for command in commands]}))


def _tar(name: str, text: str) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(text.encode())
        tar.addfile(entry, io.BytesIO(text.encode()))
    buffer.seek(0)
    return buffer


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def published(port: int) -> tuple[PortBinding, ...]:
    """That port of 127.0.0.1, leading to 8000."""
    return (PortBinding(purpose="test", host_ip="127.0.0.1", host_port=port, container_port=8000),)


def until(events: Iterator[ContainerEvent], action: str) -> ContainerEvent:
    """The next event of that kind; the test's own time limit bounds the wait."""
    return next(event for event in events if event.action == action)
