"""The Engine protocol over one Docker engine: each method is one call of the engine, or a named few.

What only looks goes over the wire; the SDK, which takes long to import, is opened by the first call that
changes something. What the calls send is made in `container_spec` and `labels`, what they answer is read in
`observation`; `volumes`, `builds`, `logs` and `events` hold the conversations that take more than a call.
Modules that only changing calls use are imported by those.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from docgenctl.engine import events, inventory, logs, observation
from docgenctl.engine.client import answers, create, gone_is_fine, update
from docgenctl.engine.failures import AnswerError
from docgenctl.engine.labels import (
    COMPOSE_PROJECT,
    ConfigHashes,
    container_labels,
    volume_labels,
)
from docgenctl.engine.wire import Wire
from docgenctl.model.errors import EngineError
from docgenctl.model.inventory import EngineReport, Inventory
from docgenctl.model.observed import (
    ContainerEvent,
    ContainerStats,
    EngineInfo,
    ExecResult,
    LogLine,
    Observation,
    ObservedContainer,
    ObservedImage,
)
from docgenctl.model.stack import Network, Service, Stack, Volume, VolumeContent

if TYPE_CHECKING:
    from docker import APIClient

_REMOVAL_PATIENCE_S = 15.0


class DockerEngine:
    """A Docker Engine. Made by `discovery.connect`; see `protocol.Engine` for what the methods promise.

    Args:
        wire: for what only looks.
        open_api: opens the SDK's low-level client, once, when something is to be changed.
        found: what the engine said of its version when it was found.
    """

    def __init__(self, wire: Wire, open_api: Callable[[], APIClient], found: EngineInfo) -> None:
        self._wire = wire
        self._open_api = open_api
        self._found = found
        self._opened: APIClient | None = None
        self._info: EngineInfo | None = None
        self._opening = threading.Lock()
        self._hashes = ConfigHashes()

    @property
    def _api(self) -> APIClient:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_api()
            return self._opened

    def info(self) -> EngineInfo:
        """Which engine this is. Raises EngineError when it does not answer any more."""
        with self._opening:
            if self._info is None:
                more = observation.machine_from(self._wire.get("ask the engine about itself", "/info"))
                self._info = replace(self._found, **more)
            return self._info

    def close(self) -> None:
        """Give back connections."""
        self._wire.close()
        if self._opened is not None:
            self._opened.close()

    # -- looking ---------------------------------------------------------------------------------
    def observe(self, project: str) -> Observation:
        """Everything labelled as this project, and the subnets of all other networks."""
        action, mine = f"look at project {project}", {"label": [f"{COMPOSE_PROJECT}={project}"]}
        everybody = self._wire.get(action, "/containers/json", all=1)
        all_networks = self._wire.get(action, "/networks")
        all_volumes = self._wire.get(action, "/volumes", filters=mine).get("Volumes") or ()
        listed = [entry for entry in everybody if observation.belongs(entry.get("Labels"), project)]
        members = observation.members_from(entry for entry in everybody if entry not in listed)
        containers = (self.inspect(entry["Id"]) for entry in listed)
        own = [network for network in all_networks if observation.belongs(network.get("Labels"), project)]
        others = [network for network in all_networks if network not in own]
        foreign = (observation.subnets_of(network) for network in others)
        namesakes = (entry for entry in others if str(entry.get("Name")).startswith(f"{project}_"))
        return Observation(
            containers=tuple(sorted((c for c in containers if c), key=lambda c: c.name)),
            networks=tuple(
                sorted(
                    (observation.network_from(entry, members.get(entry["Id"], ())) for entry in own),
                    key=lambda n: n.name,
                )
            ),
            volumes=tuple(sorted(map(observation.volume_from, all_volumes), key=lambda v: v.name)),
            foreign_subnets=tuple(sorted(subnet for subnets in foreign for subnet in subnets)),
            unlabelled_networks=tuple(map(observation.network_from, namesakes)),
        )

    def inspect(self, container_id: str) -> ObservedContainer | None:
        """One container now, or None when it is gone."""
        with gone_is_fine():
            answer = self._wire.get(
                f"inspect container {container_id[:12]}", f"/containers/{container_id}/json"
            )
            return observation.container_from(answer)
        return None

    def events(self, project: str) -> AbstractContextManager[Iterator[ContainerEvent]]:
        """Events of the project's containers from the moment the context is entered."""
        return events.subscribed(self._wire, project)

    def logs(
        self, container: ObservedContainer, *, tail: int | None, follow: bool, since: str = ""
    ) -> Iterator[LogLine]:
        """Output of one container, oldest first; empty when the container is gone."""
        return logs.read_logs(self._wire, container, tail=tail, follow=follow, since=since)

    def stats(self, container_id: str) -> ContainerStats:
        """One sample; takes about a second or two, because the engine compares two readings."""
        action = f"measure container {container_id[:12]}"
        return observation.stats_from(
            self._wire.get(action, f"/containers/{container_id}/stats", stream="false")
        )

    def execute(self, container_id: str, command: tuple[str, ...], *, user: str = "") -> ExecResult:
        """Run a command inside a running container and wait for it."""
        action = f"run {command[0]} in container {container_id[:12]}"
        asked = {"Cmd": list(command), "User": user, "AttachStdout": True, "AttachStderr": True}
        execution = self._wire.post(action, f"/containers/{container_id}/exec", asked)["Id"]
        begin = {"Detach": False, "Tty": False}
        with self._wire.stream(action, f"/exec/{execution}/start", body=begin) as stream:
            output = b"".join(message for _, message in logs.frames(stream))
        exit_code = self._wire.get(action, f"/exec/{execution}/json").get("ExitCode")
        return ExecResult(
            exit_code=-1 if exit_code is None else exit_code, output=output.decode(errors="replace")
        )

    def inventory(self) -> Inventory:
        """Every container, network and volume of the engine."""
        action = "list what the engine holds"
        containers = self._wire.get(action, "/containers/json", all=True)
        networks = self._wire.get(action, "/networks")
        volumes = self._wire.get(action, "/volumes").get("Volumes") or ()
        return Inventory(
            containers=tuple(map(inventory.container_from, containers)),
            networks=tuple(map(inventory.network_from, networks)),
            volumes=tuple(map(inventory.volume_from, volumes)),
        )

    def report(self) -> EngineReport:
        """What the engine says of itself now."""
        version = self._wire.get("ask the engine for its version", "/version")
        asked_at_s = time.time()
        info = self._wire.get("ask the engine about itself", "/info")
        return inventory.report_from(version, info, asked_at_s=asked_at_s, answered_at_s=time.time())

    # -- images ----------------------------------------------------------------------------------
    def find_image(self, reference: str) -> ObservedImage | None:
        """The local image of that reference or id."""
        with gone_is_fine():
            answer = self._wire.get(f"look for image {reference}", f"/images/{reference}/json")
            return observation.image_from(answer)
        return None

    def list_images(self, label: str) -> tuple[ObservedImage, ...]:
        """All local images that carry a label (`key` or `key=value`)."""
        answer = self._wire.get("list images", "/images/json", filters={"label": [label]})
        return tuple(map(observation.image_from, answer))

    def pull_image(self, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
        """Fetch an image. Raises EngineError (`pull_failed`)."""
        from docgenctl.engine import builds

        return builds.pull(self._api, reference, on_line)

    def import_image(self, root_file_system: Path, reference: str, changes: tuple[str, ...]) -> ObservedImage:
        """Make an image of a root file system's tar."""
        from docgenctl.engine import builds

        return builds.import_root(self._api, root_file_system, reference, changes)

    def build_image(
        self,
        context: BinaryIO,
        reference: str,
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        *,
        network: bool = False,
    ) -> ObservedImage:
        """Build a tar context, its RUN lines without network unless asked. Raises BuildError."""
        from docgenctl.engine import builds

        return builds.build(self._api, context, reference, labels, on_line, network=network)

    def remove_image(self, reference: str) -> None:
        """Remove one reference of an image."""
        with gone_is_fine(), answers(f"remove image {reference}"):
            self._api.remove_image(reference)

    # -- networks and volumes --------------------------------------------------------------------
    def create_network(self, network: Network, stack: Stack) -> None:
        """Create it unless it is there as wanted. Raises SubnetTakenError on overlap."""
        from docgenctl.engine import networks

        networks.create(self._api, network, stack)

    def remove_network(self, name: str) -> None:
        """Remove it by the engine's name or id; by name, every one of that name."""
        from docgenctl.engine import networks

        networks.remove(self._api, name)

    def connect_network(self, container_id: str, service: Service, network: str, stack: Stack) -> None:
        """Put a container on a network of the stack as it runs."""
        from docgenctl.engine import networks

        container = self.inspect(container_id)
        networks.connect(self._api, container_id, service, network, stack, container)

    def disconnect_network(self, container_id: str, name: str) -> None:
        """Take a container off a network as it runs; what is gone, or not there, is fine."""
        from docgenctl.engine import networks

        container = self.inspect(container_id)
        if container is not None and name in container.networks:
            networks.disconnect(self._api, container_id, name)

    def create_volume(self, volume: Volume, stack: Stack) -> None:
        """Create it, empty; one of that name that exists stays as it is."""
        with answers(f"create volume {volume.name}"):
            self._api.create_volume(volume.name, driver="local", labels=volume_labels(volume, stack))

    def remove_volume(self, name: str) -> None:
        """Remove it, and helpers of ours that an interrupted command left on it."""
        from docgenctl.engine import volumes

        try:
            with gone_is_fine(), answers(f"remove volume {name}"):
                self._api.remove_volume(name)
        except AnswerError as error:
            if error.status != 409 or not volumes.remove_helpers(self._api, name):
                raise
            with gone_is_fine(), answers(f"remove volume {name}"):
                self._api.remove_volume(name)

    def fill_volume(self, content: VolumeContent, volume: Volume, image: str) -> None:
        """Put a version of files into a volume and point `current` at it."""
        self.fill_volumes([(content, volume)], image)

    def fill_volumes(self, fills: Sequence[tuple[VolumeContent, Volume]], image: str) -> None:
        """The same for several volumes through one helper container."""
        from docgenctl.engine import volumes

        volumes.fill(self._api, fills, image)

    def stage_volume(self, content: VolumeContent, volume: Volume, image: str) -> str:
        """Put a version of files beside the current one."""
        from docgenctl.engine import volumes

        return volumes.stage(self._api, content, volume, image)

    # -- containers ------------------------------------------------------------------------------
    def create_container(self, service: Service, stack: Stack, number: int = 1) -> str:
        """Create it on all of its networks and return its id; nothing is left when that fails."""
        from docgenctl.engine import networks
        from docgenctl.engine.container_spec import create_body

        networks.require(self._api, service, stack)
        labels = container_labels(service, stack, self._hashes.of(service, stack), number)
        body = create_body(service, stack, labels, self._runnable(service), number)
        container_id = create(self._api, body, service.name_of(number))
        try:
            for place in service.networks[1:]:
                networks.connect(self._api, container_id, service, place.network, stack, None, number)
        except BaseException:
            self.remove_container(container_id)
            raise
        return container_id

    def _runnable(self, service: Service) -> str:
        """The reference while it still names the image that was planned, else that image's id."""
        if not service.image_id:
            return service.image
        present = self.find_image(service.image)
        return service.image if present and present.id == service.image_id else service.image_id

    def start_container(self, container_id: str) -> None:
        """Start it, or let it go on when it is paused. Raises PortTakenError."""
        with answers(f"start container {self._name(container_id)}"):
            if self._api.inspect_container(container_id)["State"].get("Paused"):
                self._api.unpause(container_id)
            else:
                self._api.start(container_id)

    def _name(self, container_id: str) -> str:
        container = self.inspect(container_id)
        return container.name if container else container_id[:12]

    def stop_container(self, container_id: str, grace_s: int) -> None:
        """SIGTERM, then SIGKILL after the grace."""
        with gone_is_fine(), answers(f"stop container {container_id[:12]}"):
            self._api.stop(container_id, timeout=grace_s)

    def restart_container(self, container_id: str, grace_s: int) -> None:
        """Stop and start the same container."""
        with answers(f"restart container {container_id[:12]}"):
            self._api.restart(container_id, timeout=grace_s)

    def update_container(self, container_id: str, service: Service) -> None:
        """Give it the service's limits and restart policy as it runs."""
        from docgenctl.engine.container_spec import update_body

        with answers(f"set limits of container {container_id[:12]}"):
            update(self._api, container_id, update_body(service))

    def remove_container(self, container_id: str) -> None:
        """Kill and remove it with its anonymous volumes; waits for a removal that is under way."""
        try:
            with gone_is_fine(), answers(f"remove container {container_id[:12]}"):
                self._api.remove_container(container_id, v=True, force=True)
        except AnswerError as error:
            if error.status != 409 or "in progress" not in error.explanation:
                raise
            self._wait_until_gone(container_id)

    def _wait_until_gone(self, container_id: str) -> None:
        deadline = time.monotonic() + _REMOVAL_PATIENCE_S
        while self.inspect(container_id) is not None:
            if time.monotonic() > deadline:
                raise EngineError(
                    f"container {container_id[:12]} is being removed for more than"
                    f" {_REMOVAL_PATIENCE_S:.0f} s",
                    hint=f"docker rm -f {container_id[:12]}",
                )
            time.sleep(0.1)
