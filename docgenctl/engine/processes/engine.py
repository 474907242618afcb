"""The engine protocol over a home directory and its supervisor."""

import os
import platform
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from docgenctl import __version__
from docgenctl.engine.labels import COMPOSE_PROJECT, container_labels
from docgenctl.engine.processes import MISSING
from docgenctl.engine.processes.control import PATIENCE_S, Conversation, ask, conversation, raise_refusal
from docgenctl.engine.processes.images import ImageStore
from docgenctl.engine.processes.inventory import inventory
from docgenctl.engine.processes.launch import Places, environment, refuse_second, socket_name
from docgenctl.engine.processes.logs import LogReader, chosen, remove_logs
from docgenctl.engine.processes.networks import (
    connect_network,
    create_network,
    disconnect_network,
    observe_networks,
    remove_network,
)
from docgenctl.engine.processes.places import Home, documents, read_json
from docgenctl.engine.processes.proc import kill_marked, use_of
from docgenctl.engine.processes.records import Condition, Made, forget, observed
from docgenctl.engine.processes.volumes import (
    create_volume,
    fill_volume,
    observe_volumes,
    remove_volume,
    stage_volume,
)
from docgenctl.model.errors import EngineError
from docgenctl.model.inventory import EngineReport, Inventory
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
)
from docgenctl.model.stack import Network, Service, Stack, Volume, VolumeContent

_SAMPLE_S = 0.3


class ProcessEngine:
    """Implements `docgenctl.engine.protocol.Engine`; `source` says why there are processes."""

    def __init__(self, home: Path, images: Path, *, source: str = "engine: process") -> None:
        self._home = Home(home)
        self.images = images
        self._images = ImageStore(images)
        self._source = source
        self._creating = threading.Lock()

    @property
    def holds_anything(self) -> bool:
        """Whether there is a container, running or not."""
        return any(documents(self._home.containers))

    # -- looking ---------------------------------------------------------------------------------
    def info(self) -> EngineInfo:
        """See Engine."""
        machine = platform.machine().lower()
        return EngineInfo(
            name="plain processes",
            version=__version__,
            api_version="1",
            architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
            cpus=os.cpu_count() or 1,
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            address=str(self._home.path),
            source=self._source,
            isolates=False,
            missing=MISSING,
        )

    def close(self) -> None:
        """Give back what an unused home takes."""
        self._tidy()

    def observe(self, project: str) -> Observation:
        """See Engine."""
        made = [Made.of(note) for note in documents(self._home.containers)]
        supervised = self._supervised() if made else False
        networks, foreign = observe_networks(self._home, project)
        return Observation(
            containers=tuple(
                observed(one, Condition.read(self._home, one.id), supervised=supervised)
                for one in made
                if one.labels.get(COMPOSE_PROJECT) == project
            ),
            networks=networks,
            volumes=observe_volumes(self._home, project),
            foreign_subnets=foreign,
            isolates=False,
        )

    def inspect(self, container_id: str) -> ObservedContainer | None:
        """See Engine."""
        made = Made.read(self._home, container_id)
        if made is None:
            return None
        return observed(made, Condition.read(self._home, made.id), supervised=self._supervised())

    def events(self, project: str) -> AbstractContextManager[Iterator[ContainerEvent]]:
        """See Engine."""
        return self._events(project)

    @contextmanager
    def _events(self, project: str) -> Iterator[Iterator[ContainerEvent]]:
        self._home.make()
        with conversation(self._home, start=True) as talk:
            assert talk is not None  # noqa: S101 - started, or raised
            talk.say({"do": "events", "project": project})
            talk.hear()
            talk.patience(None)
            try:
                yield _told(talk)
            finally:
                talk.hang_up()

    def logs(
        self, container: ObservedContainer, *, tail: int | None, follow: bool, since: str = ""
    ) -> Iterator[LogLine]:
        """See Engine."""
        reader = LogReader(self._home, container.id, container.service)
        try:
            if not follow:
                yield from chosen(reader.read(), tail=tail, since=since)
                return
            with conversation(self._home, start=False) as talk:
                yield from chosen(reader.read(), tail=tail, since=since)
                if talk is None:
                    return
                talk.patience(None)
                talk.say({"do": "follow", "id": container.id})
                while talk.hear() is not None:
                    yield from chosen(reader.read(), tail=None, since=since)
                yield from chosen(reader.read(), tail=None, since=since)
        finally:
            reader.close()

    def stats(self, container_id: str) -> ContainerStats:
        """See Engine."""
        made, condition = self._running(container_id)
        begun = time.monotonic()
        before = use_of(condition.pid)
        time.sleep(_SAMPLE_S)
        after = use_of(condition.pid)
        if after.count == 0:
            raise EngineError(f"container {container_id} is not running", hint="docgenctl start")
        spent = max(0.0, after.cpu_s - before.cpu_s) / (time.monotonic() - begun)
        return ContainerStats(
            cpu_percent=spent * 100,
            memory_bytes=after.memory_bytes,
            memory_limit_bytes=made.memory_bytes,
            pids=after.count,
        )

    def execute(self, container_id: str, command: tuple[str, ...], *, user: str = "") -> ExecResult:
        """See Engine; there is one user here, whatever `user` says."""
        made, _ = self._running(container_id)
        try:
            done = subprocess.run(
                command,
                env=made.environment,
                cwd=self._home.sockets,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            return ExecResult(exit_code=127, output=f"{command[0]}: {error.strerror}\n")
        return ExecResult(exit_code=done.returncode, output=done.stdout.decode("utf-8", "replace"))

    def inventory(self) -> Inventory:
        """See Engine; what other projects of this user run lies in other homes."""
        return inventory(self._home, supervised=self._supervised())

    def report(self) -> EngineReport:
        """See Engine."""
        return EngineReport(components={"engine": __version__, "python": platform.python_version()})

    # -- images ----------------------------------------------------------------------------------
    def find_image(self, reference: str) -> ObservedImage | None:
        """See Engine."""
        return self._images.find(reference)

    def list_images(self, label: str) -> tuple[ObservedImage, ...]:
        """See Engine."""
        return self._images.list(label)

    def pull_image(self, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
        """See Engine: no registry has images of processes."""
        raise EngineError(
            f"plain processes cannot run the image {reference}",
            hint="docgenctl up --engine docker",
            code="pull_failed",
        )

    def import_image(self, root_file_system: Path, reference: str, changes: tuple[str, ...]) -> ObservedImage:
        """See Engine: a root file system is of no use without containers."""
        raise EngineError(
            f"plain processes have no use for the root file system of {reference}",
            hint="docgenctl up --engine docker",
            code="unsupported",
        )

    def build_image(
        self,
        context: BinaryIO,
        reference: str,
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        *,
        network: bool = False,
    ) -> ObservedImage:
        """See Engine; the network is always there, and what is installed is held to its hashes."""
        return self._images.build(context, reference, labels, on_line)

    def remove_image(self, reference: str) -> None:
        """See Engine."""
        self._images.remove(reference)

    # -- networks and volumes --------------------------------------------------------------------
    def create_network(self, network: Network, stack: Stack) -> None:
        """See Engine."""
        self._home.make()
        with self._creating:
            create_network(self._home, network, stack)

    def remove_network(self, name: str) -> None:
        """See Engine."""
        remove_network(self._home, name)
        self._tidy()

    def connect_network(self, container_id: str, service: Service, network: str, stack: Stack) -> None:
        """See Engine: the service is told of those whom it shares the network with."""
        with self._creating:
            connect_network(self._home, self._known(container_id), service, network, stack)

    def disconnect_network(self, container_id: str, name: str) -> None:
        """See Engine."""
        with self._creating:
            disconnect_network(self._home, container_id, name)

    def create_volume(self, volume: Volume, stack: Stack) -> None:
        """See Engine."""
        self._home.make()
        create_volume(self._home, volume, stack)

    def remove_volume(self, name: str) -> None:
        """See Engine."""
        remove_volume(self._home, name)
        self._tidy()

    def fill_volume(self, content: VolumeContent, volume: Volume, image: str) -> None:
        """See Engine."""
        fill_volume(self._home, content, volume)

    def stage_volume(self, content: VolumeContent, volume: Volume, image: str) -> str:
        """See Engine."""
        return stage_volume(self._home, content, volume)

    # -- containers ------------------------------------------------------------------------------
    def create_container(self, service: Service, stack: Stack, number: int = 1) -> str:
        """See Engine; one process a service is all there is."""
        refuse_second(service, number)
        self._home.make()
        reference = service.image_id or service.image
        image = self._images.find(reference) or self._images.find(service.image)
        if image is None:
            raise EngineError(f"No such image: {service.image}", hint="docgenctl build")
        with self._creating:
            self._refuse_impossible(service, stack)
            container_id = secrets.token_hex(32)
            places = Places(service, stack, self._home, self._images.directory(image.id), container_id)
            variables = environment(
                service, stack, self._images.environment(image.id), places, self._home, container_id
            )
            (self._home.scratch / container_id).mkdir(mode=0o700)
            check = service.health_check
            Made(
                id=container_id,
                name=service.container_name,
                service=service.name,
                project=stack.project,
                image=service.image,
                image_id=image.id,
                labels=container_labels(service, stack, service.digest),
                ports=service.ports,
                networks={
                    stack.network(place.network).name: socket_name(service) for place in service.networks
                },
                volumes=tuple(stack.volume(mount.volume).name for mount in service.volumes),
                argv=places.all_of(service.command),
                environment=variables,
                health_check=type(check)(
                    command=places.all_of(check.command),
                    interval_s=check.interval_s,
                    timeout_s=check.timeout_s,
                    retries=check.retries,
                    start_period_s=check.start_period_s,
                ),
                memory_bytes=service.limits.memory_bytes,
                restart=service.restart,
                log_rotation=service.log_rotation,
            ).write(self._home)
        return container_id

    def start_container(self, container_id: str) -> None:
        """See Engine."""
        self._known(container_id)
        ask(self._home, {"do": "start", "id": container_id}, start=True)

    def stop_container(self, container_id: str, grace_s: int) -> None:
        """See Engine."""
        request = {"do": "stop", "id": container_id, "grace_s": grace_s}
        if not ask(self._home, request, start=False, patience_s=PATIENCE_S + grace_s):
            self._end_leftovers(container_id)

    def restart_container(self, container_id: str, grace_s: int) -> None:
        """See Engine."""
        self._known(container_id)
        request = {"do": "restart", "id": container_id, "grace_s": grace_s}
        ask(self._home, request, start=True, patience_s=PATIENCE_S + grace_s)

    def update_container(self, container_id: str, service: Service) -> None:
        """See Engine. Nobody can change these by hand, so there is nothing to put right."""

    def remove_container(self, container_id: str) -> None:
        """See Engine."""
        if Made.read(self._home, container_id) is None:
            return
        if not ask(self._home, {"do": "remove", "id": container_id}, start=False):
            self._end_leftovers(container_id)
            forget(self._home, container_id)
            remove_logs(self._home, container_id)
        self._tidy()

    # -- helpers ---------------------------------------------------------------------------------
    def _supervised(self) -> bool:
        with conversation(self._home, start=False) as talk:
            return talk is not None

    def _known(self, container_id: str) -> Made:
        made = Made.read(self._home, container_id)
        if made is None:
            raise EngineError(f"No such container: {container_id}", hint="docgenctl up")
        return made

    def _running(self, container_id: str) -> tuple[Made, Condition]:
        made = self._known(container_id)
        condition = Condition.read(self._home, container_id)
        if condition.state != "running" or not self._supervised():
            raise EngineError(f"container {container_id} is not running", hint="docgenctl start")
        return made, condition

    def _refuse_impossible(self, service: Service, stack: Stack) -> None:
        if any(note["name"] == service.container_name for note in documents(self._home.containers)):
            raise EngineError(
                f"the container name {service.container_name} is already in use", hint="docgenctl down"
            )
        for place in service.networks:
            name = stack.network(place.network).name
            if read_json(self._home.networks / f"{name}.json") is None:
                raise EngineError(f"network {name} not found", hint="docgenctl up")
        if not service.command:
            raise EngineError(f"{service.name} has no command to run", hint="docgenctl build")

    def _end_leftovers(self, container_id: str) -> None:
        """The supervisor was killed: the kernel ended its processes, but not what those had started."""
        if Made.read(self._home, container_id) is not None:
            kill_marked({container_id})

    def _tidy(self) -> None:
        """Once there is no container the supervisor ends; once there is nothing at all, the home goes."""
        with self._creating:
            if not self._home.path.is_dir() or self.holds_anything:
                return
            with conversation(self._home, start=False) as talk:
                if talk is not None:
                    talk.say({"do": "end"})
                    while talk.hear() is not None:
                        continue  # it hangs up when its socket is gone
            if not self._supervised():
                self._home.remove_if_bare()


def _told(talk: Conversation) -> Iterator[ContainerEvent]:
    while (event := talk.hear()) is not None:
        raise_refusal(event)
        yield _event(event)


def _event(event: dict[str, Any]) -> ContainerEvent:
    health = event.get("health")
    return ContainerEvent(
        service=event["service"],
        container_id=event["container_id"],
        action=event["action"],
        health=Health(health) if health else None,
        exit_code=event.get("exit_code"),
    )
