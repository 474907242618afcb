"""An engine in memory that behaves like the real one where our code can notice.

It passes the same contract tests as the Docker adapter, so tests of actions may trust it. Convenient parts:

- `calls`: every call that changes something, as `(method, subject)`, in order;
- `programs`: what commands do (`Program`), by the command or by the service's name;
- `add_image(reference)`, `hold_port(port)`, `free_port(port)`: the machine around the stack;
- `crash(service, exit_code)`, `set_health(service, health)`: things that happen by themselves;
- `fail_next(method, error)`: the next call of that method raises it, and nothing is done;
- `on_execute`: answers `execute`; `volume(key_or_name)`: what a volume holds.
"""

import tarfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import BinaryIO

from docgenctl.engine.container_spec import aliases
from docgenctl.engine.labels import COMPOSE_PROJECT, container_labels, network_labels, volume_labels
from docgenctl.model.errors import BuildError, EngineError, PortTakenError, SubnetTakenError
from docgenctl.model.inventory import (
    EngineReport,
    Inventory,
    InventoryContainer,
    InventoryNetwork,
    InventoryVolume,
)
from docgenctl.model.observed import (
    ContainerEvent,
    ContainerStats,
    EngineInfo,
    ExecResult,
    Health,
    LogLine,
    Observation,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedVolume,
)
from docgenctl.model.stack import (
    LABEL_SPEC_DIGEST,
    Network,
    PortBinding,
    Service,
    Stack,
    Volume,
    VolumeContent,
)
from tests.contract.fake_parts import Clock, FakeContainer, FakeVolume, Program, Subscribers


class FakeEngine:
    """Implements `docgenctl.engine.protocol.Engine`."""

    def __init__(self, programs: Mapping[tuple[str, ...] | str, Program] | None = None) -> None:
        self.calls: list[tuple[str, str]] = []
        self.programs: dict[tuple[str, ...] | str, Program] = dict(programs or {})
        self.containers: dict[str, FakeContainer] = {}
        self.networks: dict[str, ObservedNetwork] = {}
        self.volumes: dict[str, FakeVolume] = {}
        self.images: dict[str, ObservedImage] = {}
        self.pullable: set[str] = set()
        self.held_ports: set[int] = set()
        #: what a project would remember: container id → the content that it has reloaded
        self.taken_over: dict[str, str] = {}
        self.on_execute: Callable[[ObservedContainer, tuple[str, ...]], ExecResult] | None = None
        self._faults: dict[str, deque[Exception]] = {}
        self._clock, self._subscribers = Clock(), Subscribers()
        self._changed = threading.Condition(threading.RLock())
        self._made = 0

    # -- the machine around it -------------------------------------------------------------------
    def add_image(self, reference: str, labels: Mapping[str, str] | None = None) -> ObservedImage:
        """Put an image there; its id is a digest of the reference."""
        identity = f"sha256:{sha256(reference.encode()).hexdigest()}"
        image = ObservedImage(
            id=identity, references=(reference,), digests=(), labels=dict(labels or {}), size_bytes=1000
        )
        self.images[reference] = image
        return image

    def hold_port(self, port: int) -> None:
        """Another process binds the port."""
        self.held_ports.add(port)

    def free_port(self, port: int) -> None:
        """The other process lets go of it."""
        self.held_ports.discard(port)

    def crash(self, service: str, exit_code: int = 137, *, oom: bool = False) -> None:
        """The service's process dies by itself; its restart policy may start it again at once."""
        with self._changed:
            container = self._of(service)
            self._die(container, exit_code, oom=oom, by_itself=True)
            if container.seen.state == "restarting":
                self._run(container)

    def set_health(self, service: str, health: Health) -> None:
        """The engine's check comes to another result."""
        with self._changed:
            container = self._of(service)
            container.becomes(health=health)
            self._tell(container, "health", health=health)

    def fail_next(self, method: str, error: Exception) -> None:
        """The next call of that method raises `error`; several queue up."""
        self._faults.setdefault(method, deque()).append(error)

    def volume(self, name: str) -> FakeVolume:
        """A volume by its key or its name. Raises KeyError."""
        by_key = {volume.volume.key: volume for volume in self.volumes.values()}
        return self.volumes.get(name) or by_key[name]

    # -- looking ---------------------------------------------------------------------------------
    def info(self) -> EngineInfo:
        return EngineInfo(
            name="Fake Engine",
            version="27.0.0",
            api_version="1.46",
            architecture="amd64",
            cpus=2,
            memory_bytes=8 << 30,
            address="memory",
            source="test",
        )

    def close(self) -> None:
        return None

    def observe(self, project: str) -> Observation:
        self._call("observe", project, changes=False)
        with self._changed:
            own = [n for n in self.networks.values() if n.labels.get(COMPOSE_PROJECT) == project]
            others = [n for n in self.networks.values() if n not in own]
            foreign = (n.subnet for n in others if n.subnet)
            volumes = (ObservedVolume(name=name, labels=v.labels) for name, v in self.volumes.items())
            return Observation(
                containers=tuple(
                    c.seen
                    for c in sorted(self.containers.values(), key=lambda c: c.seen.name)
                    if c.seen.labels.get(COMPOSE_PROJECT) == project
                ),
                networks=tuple(sorted(own, key=lambda n: n.name)),
                volumes=tuple(v for v in volumes if v.labels.get(COMPOSE_PROJECT) == project),
                foreign_subnets=tuple(sorted(foreign)),
                unlabelled_networks=tuple(n for n in others if n.name.startswith(f"{project}_")),
            )

    def inspect(self, container_id: str) -> ObservedContainer | None:
        with self._changed:
            container = self.containers.get(container_id)
            return container.seen if container else None

    def events(self, project: str) -> AbstractContextManager[Iterator[ContainerEvent]]:
        self._call("events", project, changes=False)
        return self._subscribers.listen(project)

    def logs(
        self, container: ObservedContainer, *, tail: int | None, follow: bool, since: str = ""
    ) -> Iterator[LogLine]:
        kept = self.containers.get(container.id)
        if kept is None:
            return
        with self._changed:
            lines = [line for line in kept.lines if line.time >= since]
            told = len(kept.lines)
        yield from lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]
        while follow:
            with self._changed:
                while kept.running and len(kept.lines) == told:
                    self._changed.wait()
                fresh, told = kept.lines[told:], len(kept.lines)
                follow = kept.running
            yield from fresh

    def stats(self, container_id: str) -> ContainerStats:
        service = self._get(container_id, "measure").service
        return ContainerStats(
            cpu_percent=1.5, memory_bytes=10 << 20, memory_limit_bytes=service.limits.memory_bytes, pids=2
        )

    def execute(self, container_id: str, command: tuple[str, ...], *, user: str = "") -> ExecResult:
        self._call("execute", " ".join(command), changes=False)
        container = self._get(container_id, "run a command in")
        if not container.running:
            raise EngineError(f"cannot run {command[0]}: container {container_id[:12]} is not running")
        if self.on_execute:
            return self.on_execute(container.seen, command)
        program = self.programs.get(command, Program())
        return ExecResult(
            exit_code=program.exit_code or 0, output="".join(f"{text}\n" for _, text in program.output)
        )

    def inventory(self) -> Inventory:
        self._call("inventory", "", changes=False)
        with self._changed:
            return Inventory(
                containers=tuple(
                    InventoryContainer(
                        id=c.seen.id,
                        name=c.seen.name,
                        labels=c.seen.labels,
                        state=c.seen.state,
                        image_id=c.seen.image_id,
                        ports=c.seen.ports if c.running else (),
                        networks=tuple(sorted(c.seen.networks)),
                    )
                    for c in self.containers.values()
                ),
                networks=tuple(
                    InventoryNetwork(id=n.id, name=n.name, labels=n.labels, subnets=(n.subnet,))
                    for n in self.networks.values()
                ),
                volumes=tuple(InventoryVolume(name=n, labels=v.labels) for n, v in self.volumes.items()),
            )

    def report(self) -> EngineReport:
        return EngineReport(components={"engine": "27.0.0"})

    # -- images ----------------------------------------------------------------------------------
    def find_image(self, reference: str) -> ObservedImage | None:
        by_id = {image.id: image for image in self.images.values()}
        return self.images.get(reference) or by_id.get(reference)

    def list_images(self, label: str) -> tuple[ObservedImage, ...]:
        key, equals, value = label.partition("=")
        return tuple(
            image
            for image in self.images.values()
            if key in image.labels and (not equals or image.labels[key] == value)
        )

    def pull_image(self, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
        self._call("pull_image", reference)
        if reference not in self.pullable:
            raise EngineError(f"image {reference} could not be pulled: no such host", code="pull_failed")
        on_line(f"Pulling {reference}")
        return self.add_image(reference)

    def import_image(self, root_file_system: Path, reference: str, changes: tuple[str, ...]) -> ObservedImage:
        self._call("import_image", reference)
        root_file_system.stat()
        labels = dict(change[6:].partition("=")[::2] for change in changes if change.startswith("LABEL "))
        return self.add_image(reference, labels)

    def build_image(
        self,
        context: BinaryIO,
        reference: str,
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        *,
        network: bool = False,
    ) -> ObservedImage:
        """Runs nothing, but knows `echo` and `false` in RUN lines."""
        self._call("build_image", reference)
        with tarfile.open(fileobj=context) as tar:
            dockerfile = tar.extractfile("Dockerfile")
            steps = dockerfile.read().decode().splitlines() if dockerfile else []
        said: deque[str] = deque(maxlen=30)
        for number, step in enumerate(filter(None, steps), 1):
            for line in (f"Step {number}/{len(steps)} : {step}", *_said_by(step)):
                said.append(line)
                on_line(line)
            if step.startswith("RUN") and "false" in step:
                said.append("The command returned a non-zero code: 1")
                raise BuildError(f"image {reference} could not be built: {said[-1]}", details=tuple(said))
        return self.add_image(reference, labels)

    def remove_image(self, reference: str) -> None:
        self._call("remove_image", reference)
        self.images.pop(reference, None)

    # -- networks and volumes --------------------------------------------------------------------
    def create_network(self, network: Network, stack: Stack) -> None:
        self._call("create_network", network.key)
        labels = network_labels(network, stack)
        with self._changed:
            present = self.networks.get(network.name)
            if present and present.labels.get(LABEL_SPEC_DIGEST) == labels[LABEL_SPEC_DIGEST]:
                return
            if present:
                raise EngineError(f"there is another network named {network.name}")
            wanted = ip_network(network.subnet)
            if any(wanted.overlaps(ip_network(n.subnet)) for n in self.networks.values() if n.subnet):
                raise SubnetTakenError(f"subnet {network.subnet} is taken", subnet=network.subnet)
            self.networks[network.name] = ObservedNetwork(
                id=self._id(network.name),
                name=network.name,
                subnet=network.subnet,
                labels=labels,
                closed=network.closed,
                options=network.driver_options,
            )

    def remove_network(self, name: str) -> None:
        self._call("remove_network", name)
        with self._changed:
            users = [c for c in self.containers.values() if c.running and name in c.seen.networks]
            if users:
                raise EngineError(f"cannot remove network {name}: it has active endpoints")
            for key in [k for k, n in self.networks.items() if name in (k, n.id)]:
                del self.networks[key]

    def connect_network(self, container_id: str, service: Service, network: str, stack: Stack) -> None:
        with self._changed:
            container = self._get(container_id, "connect")
            self._call("connect_network", f"{container.service.name} {network}")
            name = stack.network(network).name
            if name not in self.networks:
                raise EngineError(f"cannot connect {service.name}: network {name} not found")
            if name in container.seen.networks:
                return
            place = next(it for it in service.networks if it.network == network)
            address = "10.213.255.2" if container.running else ""
            names = tuple(aliases(service, place, container.seen.number))
            container.becomes(
                networks={**container.seen.networks, name: address},
                aliases={**container.seen.aliases, name: names},
            )

    def disconnect_network(self, container_id: str, name: str) -> None:
        with self._changed:
            container = self.containers.get(container_id)
            self._call(
                "disconnect_network", f"{container.service.name if container else container_id} {name}"
            )
            if container is not None:
                networks = {n: address for n, address in container.seen.networks.items() if n != name}
                container.becomes(
                    networks=networks,
                    aliases={n: names for n, names in container.seen.aliases.items() if n != name},
                )

    def create_volume(self, volume: Volume, stack: Stack) -> None:
        self._call("create_volume", volume.key)
        with self._changed:
            self.volumes.setdefault(volume.name, FakeVolume(volume, volume_labels(volume, stack)))

    def remove_volume(self, name: str) -> None:
        self._call("remove_volume", name)
        with self._changed:
            if name in self.volumes:
                key = self.volumes[name].volume.key
                users = [c for c in self.containers.values() if key in _volume_keys(c, name, self.volumes)]
                if users:
                    raise EngineError(f"cannot remove volume {name}: volume is in use")
                del self.volumes[name]

    def fill_volume(self, content: VolumeContent, volume: Volume, image: str) -> None:
        self._call("fill_volume", volume.key)
        with self._changed:
            if self.find_image(image) is None:
                raise EngineError(f"No such image: {image}")
            # The engine makes a volume that is mentioned and not there, too.
            filled = self.volumes.setdefault(volume.name, FakeVolume(volume, {}))
            filled.owner = volume.owner
            if content.files:
                version = f"v-{content.version[:16]}"
                keep = {version, filled.current}
                filled.versions = {k: v for k, v in filled.versions.items() if k in keep}
                filled.versions[version] = dict(content.files)
                filled.current = version

    def stage_volume(self, content: VolumeContent, volume: Volume, image: str) -> str:
        self._call("stage_volume", volume.key)
        with self._changed:
            version = f"v-{content.version[:16]}"
            self.volumes[volume.name].versions[version] = dict(content.files)
            return version

    # -- containers ------------------------------------------------------------------------------
    def create_container(self, service: Service, stack: Stack, number: int = 1) -> str:
        self._call("create_container", service.name)
        with self._changed:
            image = self.find_image(service.image) or self.find_image(service.image_id)
            if image is None:
                raise EngineError(f"cannot create container: No such image: {service.image}")
            if any(c.seen.name == service.name_of(number) for c in self.containers.values()):
                raise EngineError(f"the container name {service.name_of(number)} is already in use")
            names = [stack.network(place.network).name for place in service.networks]
            missing = [name for name in names if name not in self.networks]
            if missing:
                raise EngineError(f"cannot create container: network {missing[0]} not found")
            identity = self._id(service.name_of(number))
            seen = ObservedContainer(
                id=identity,
                name=service.name_of(number),
                service=service.name,
                state="created",
                health=Health.STARTING,
                exit_code=0,
                oom_killed=False,
                restarts=0,
                started_at="",
                image=service.image,
                image_id=image.id,
                labels=container_labels(service, stack, service.digest, number),
                ports=tuple(_without_purpose(service)),
                networks=dict.fromkeys(names, ""),
                aliases={
                    stack.network(place.network).name: tuple(aliases(service, place, number))
                    for place in service.networks
                },
                limits=service.limits,
                restart=service.restart,
            )
            self.containers[identity] = FakeContainer(seen=seen, service=service)
            return identity

    def start_container(self, container_id: str) -> None:
        with self._changed:
            container = self._get(container_id, "start")
            self._call("start_container", container.service.name)
            if container.seen.state == "paused":
                container.becomes(state="running")
            elif not container.running:
                self._claim_ports(container)
                self._run(container)

    def stop_container(self, container_id: str, grace_s: int) -> None:
        with self._changed:
            container = self.containers.get(container_id)
            self._call("stop_container", container.service.name if container else container_id)
            if container and container.seen.state in ("running", "restarting", "paused"):
                self._die(container, 143, by_itself=False)

    def restart_container(self, container_id: str, grace_s: int) -> None:
        with self._changed:
            container = self._get(container_id, "restart")
            self._call("restart_container", container.service.name)
            if container.running:
                self._die(container, 143, by_itself=False)
            self._run(container)

    def update_container(self, container_id: str, service: Service) -> None:
        with self._changed:
            container = self._get(container_id, "update")
            self._call("update_container", container.service.name)
            container.becomes(limits=service.limits, restart=service.restart)

    def remove_container(self, container_id: str) -> None:
        with self._changed:
            container = self.containers.get(container_id)
            self._call("remove_container", container.service.name if container else container_id)
            if container is None:
                return
            if container.running:
                self._die(container, 137, by_itself=False)
            del self.containers[container_id]
            self._tell(container, "destroy")

    # -- how it works ----------------------------------------------------------------------------
    def _call(self, method: str, subject: str, *, changes: bool = True) -> None:
        if changes:
            self.calls.append((method, subject))
        if self._faults.get(method):
            raise self._faults[method].popleft()

    def _id(self, name: str) -> str:
        self._made += 1
        return sha256(f"{name} {self._made}".encode()).hexdigest()

    def _get(self, container_id: str, action: str) -> FakeContainer:
        if container_id not in self.containers:
            raise EngineError(f"cannot {action} container {container_id[:12]}: No such container")
        return self.containers[container_id]

    def _of(self, service: str) -> FakeContainer:
        return next(c for c in self.containers.values() if c.service.name == service)

    def _claim_ports(self, container: FakeContainer) -> None:
        others = [c for c in self.containers.values() if c.running and c is not container]
        taken = self.held_ports | {port.host_port for c in others for port in c.service.ports}
        for port in container.service.ports:
            if port.host_port in taken:
                container.becomes(exit_code=128, error="port is already allocated")
                raise PortTakenError(f"port {port.host_port} is taken", host_port=port.host_port)

    def _run(self, container: FakeContainer) -> None:
        service = container.service
        program = self.programs.get(service.name) or self.programs.get(service.command) or Program()
        container.starts += 1
        container.becomes(
            state="running",
            health=Health.STARTING,
            exit_code=0,
            error="",
            started_at=self._clock.read(),
            networks=dict.fromkeys(container.seen.networks, "10.213.255.2"),
        )
        self._tell(container, "start")
        for stream, text in program.output:
            line = LogLine(service=service.name, stream=stream, time=self._clock.read(), text=text)
            container.lines.append(line)
        ends = program.exit_code is not None
        if ends and (program.restores is None or container.starts <= program.restores):
            self._die(container, program.exit_code or 0, by_itself=True)
            if container.seen.state == "restarting" and program.restores is not None:
                self._run(container)
        elif program.health is not Health.STARTING:
            container.becomes(health=program.health)
            self._tell(container, "health", health=program.health)
        self._changed.notify_all()

    def _die(self, container: FakeContainer, code: int, *, by_itself: bool, oom: bool = False) -> None:
        restarts = by_itself and container.service.restart != "no"
        container.becomes(
            state="restarting" if restarts else "exited",
            health=Health.STARTING if restarts else Health.UNHEALTHY,
            exit_code=code,
            oom_killed=oom,
            restarts=container.seen.restarts + restarts,
            networks=dict.fromkeys(container.seen.networks, ""),
        )
        if oom:
            self._tell(container, "oom")
        self._tell(container, "die", exit_code=code)
        self._changed.notify_all()

    def _tell(
        self,
        container: FakeContainer,
        action: str,
        *,
        health: Health | None = None,
        exit_code: int | None = None,
    ) -> None:
        event = ContainerEvent(
            service=container.service.name,
            container_id=container.seen.id,
            action=action,
            health=health,
            exit_code=exit_code,
        )
        self._subscribers.tell(container.seen.labels.get(COMPOSE_PROJECT, ""), event)


def _said_by(step: str) -> list[str]:
    if not step.startswith("RUN "):
        return []
    parts = (part.strip() for part in step[4:].replace("&&", ";").split(";"))
    return [part.removeprefix("echo ").strip("'\"") for part in parts if part.startswith("echo ")]


def _volume_keys(container: FakeContainer, name: str, volumes: Mapping[str, FakeVolume]) -> set[str]:
    same_project = volumes[name].labels.get(COMPOSE_PROJECT) == container.seen.labels.get(COMPOSE_PROJECT)
    return {mount.volume for mount in container.service.volumes} if same_project else set()


def _without_purpose(service: Service) -> Iterator[PortBinding]:
    return (replace(port, purpose="") for port in service.ports)
