"""The Engine protocol over one Docker client: each method is one call of the engine, or a named few.

What the calls send is made in `container_spec` and `labels`, what they answer is read in `observation`;
`volumes`, `builds`, `logs` and `events` hold the conversations that take more than a call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from docgenctl.engine import builds, events, logs, networks, observation, volumes
from docgenctl.engine.client import answers, create, gone_is_fine
from docgenctl.engine.container_spec import aliases, create_body
from docgenctl.engine.failures import AnswerError
from docgenctl.engine.labels import (
    COMPOSE_PROJECT,
    ConfigHashes,
    container_labels,
    volume_labels,
)
from docgenctl.model.errors import EngineError
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
        api: the SDK's low-level client.
        info: what the engine said of itself when it was found.
    """

    def __init__(self, api: APIClient, info: EngineInfo) -> None:
        self._api = api
        self._info = info
        self._hashes = ConfigHashes()

    def info(self) -> EngineInfo:
        """Which engine this is."""
        return self._info

    def close(self) -> None:
        """Give back connections."""
        self._api.close()

    # -- looking ---------------------------------------------------------------------------------
    def observe(self, project: str) -> Observation:
        """Everything labelled as this project, and the subnets of all other networks."""
        with answers(f"look at project {project}"):
            mine = {"label": f"{COMPOSE_PROJECT}={project}"}
            listed = self._api.containers(all=True, filters=mine)
            all_networks = self._api.networks()
            all_volumes = self._api.volumes(filters=mine).get("Volumes") or ()
        containers = (self.inspect(entry["Id"]) for entry in listed)
        own = [network for network in all_networks if observation.belongs(network.get("Labels"), project)]
        foreign = (observation.subnets_of(network) for network in all_networks if network not in own)
        return Observation(
            containers=tuple(sorted((c for c in containers if c), key=lambda c: c.name)),
            networks=tuple(sorted(map(observation.network_from, own), key=lambda n: n.name)),
            volumes=tuple(sorted(map(observation.volume_from, all_volumes), key=lambda v: v.name)),
            foreign_subnets=tuple(sorted(subnet for subnets in foreign for subnet in subnets)),
        )

    def inspect(self, container_id: str) -> ObservedContainer | None:
        """One container now, or None when it is gone."""
        with gone_is_fine(), answers(f"inspect container {container_id[:12]}"):
            return observation.container_from(self._api.inspect_container(container_id))
        return None

    def events(self, project: str) -> AbstractContextManager[Iterator[ContainerEvent]]:
        """Events of the project's containers from the moment the context is entered."""
        return events.subscribed(self._api, project)

    def logs(
        self, container: ObservedContainer, *, tail: int | None, follow: bool, since: str = ""
    ) -> Iterator[LogLine]:
        """Output of one container, oldest first; empty when the container is gone."""
        return logs.read_logs(self._api, container, tail=tail, follow=follow, since=since)

    def stats(self, container_id: str) -> ContainerStats:
        """One sample; takes about a second or two, because the engine compares two readings."""
        with answers(f"measure container {container_id[:12]}"):
            return observation.stats_from(self._api.stats(container_id, stream=False))

    def execute(self, container_id: str, command: tuple[str, ...], *, user: str = "") -> ExecResult:
        """Run a command inside a running container and wait for it."""
        with answers(f"run {command[0]} in container {container_id[:12]}"):
            created = self._api.exec_create(container_id, list(command), user=user)
            output: bytes = self._api.exec_start(created["Id"])
            exit_code = self._api.exec_inspect(created["Id"]).get("ExitCode")
        return ExecResult(
            exit_code=-1 if exit_code is None else exit_code, output=output.decode(errors="replace")
        )

    # -- images ----------------------------------------------------------------------------------
    def find_image(self, reference: str) -> ObservedImage | None:
        """The local image of that reference or id."""
        return builds.find(self._api, reference)

    def list_images(self, label: str) -> tuple[ObservedImage, ...]:
        """All local images that carry a label (`key` or `key=value`)."""
        with answers("list images"):
            return tuple(map(observation.image_from, self._api.images(filters={"label": label})))

    def pull_image(self, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
        """Fetch an image. Raises EngineError (`pull_failed`)."""
        return builds.pull(self._api, reference, on_line)

    def import_image(self, root_file_system: Path, reference: str, changes: tuple[str, ...]) -> ObservedImage:
        """Make an image of a root file system's tar."""
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
        return builds.build(self._api, context, reference, labels, on_line, network=network)

    def remove_image(self, reference: str) -> None:
        """Remove one reference of an image."""
        with gone_is_fine(), answers(f"remove image {reference}"):
            self._api.remove_image(reference)

    # -- networks and volumes --------------------------------------------------------------------
    def create_network(self, network: Network, stack: Stack) -> None:
        """Create it unless it is there as wanted. Raises SubnetTakenError on overlap."""
        networks.create(self._api, network, stack)

    def remove_network(self, name: str) -> None:
        """Remove it by the engine's name or id; by name, every one of that name."""
        networks.remove(self._api, name)

    def create_volume(self, volume: Volume, stack: Stack) -> None:
        """Create it, empty; one of that name that exists stays as it is."""
        with answers(f"create volume {volume.name}"):
            self._api.create_volume(volume.name, driver="local", labels=volume_labels(volume, stack))

    def remove_volume(self, name: str) -> None:
        """Remove it, and helpers of ours that an interrupted command left on it."""
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
        volumes.fill(self._api, content, volume, image)

    # -- containers ------------------------------------------------------------------------------
    def create_container(self, service: Service, stack: Stack) -> str:
        """Create it on all of its networks and return its id; nothing is left when that fails."""
        networks.require(self._api, service, stack)
        labels = container_labels(service, stack, self._hashes.of(service, stack))
        body = create_body(service, stack, labels, self._runnable(service))
        container_id = create(self._api, body, service.container_name)
        try:
            for place in service.networks[1:]:
                with answers(f"connect {service.name} to network {place.network}"):
                    self._api.connect_container_to_network(
                        container_id, stack.network(place.network).name, aliases=aliases(service, place)
                    )
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
