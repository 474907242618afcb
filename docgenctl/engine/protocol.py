"""What we ask of a container engine, in our words.

Every method may raise `EngineError`. Removing what is gone and stopping what has stopped succeed, so that
an interrupted command can simply be repeated. Methods are safe to call from several threads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

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


@runtime_checkable
class FillsTogether(Protocol):
    """An engine for which filling several volumes at once is much less work than one after the other."""

    def fill_volumes(self, fills: Sequence[tuple[VolumeContent, Volume]], image: str) -> None:
        """`Engine.fill_volume` for each; when it fails, any of them may have been filled."""


class Engine(Protocol):
    """A container engine that this machine can reach."""

    def info(self) -> EngineInfo:
        """Which engine this is."""

    def close(self) -> None:
        """Give back connections; the engine may not be used afterwards."""

    # -- looking ---------------------------------------------------------------------------------
    def observe(self, project: str) -> Observation:
        """Everything labelled as this Compose project (by the exact name), and all subnets in use."""

    def inspect(self, container_id: str) -> ObservedContainer | None:
        """One container now, or None when it is gone."""

    def events(self, project: str) -> AbstractContextManager[Iterator[ContainerEvent]]:
        """Events of the project's containers from the moment the context is entered.

        Enter before starting anything; leaving the context ends the iterator from another thread too.
        """

    def logs(
        self, container: ObservedContainer, *, tail: int | None, follow: bool, since: str = ""
    ) -> Iterator[LogLine]:
        """Output of one container, oldest first; `since` is RFC 3339. With `follow` until it ends."""

    def stats(self, container_id: str) -> ContainerStats:
        """One sample of what the container uses."""

    def execute(self, container_id: str, command: tuple[str, ...], *, user: str = "") -> ExecResult:
        """Run a command inside a running container and wait for it."""

    def inventory(self) -> Inventory:
        """Every container, network and volume of the engine, of whatever project."""

    def report(self) -> EngineReport:
        """What the engine says of itself now: parts and their versions, clock, where it stores, warnings."""

    # -- images ----------------------------------------------------------------------------------
    def find_image(self, reference: str) -> ObservedImage | None:
        """The local image of that reference or id."""

    def list_images(self, label: str) -> tuple[ObservedImage, ...]:
        """All local images that carry a label (`key` or `key=value`)."""

    def pull_image(self, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
        """Fetch an image. Raises EngineError (`pull_failed`) when no registry gives it."""

    def import_image(self, root_file_system: Path, reference: str, changes: tuple[str, ...]) -> ObservedImage:
        """Make an image of a root file system's tar; `changes` are Dockerfile instructions."""

    def build_image(
        self,
        context: BinaryIO,
        reference: str,
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        *,
        network: bool = False,
    ) -> ObservedImage:
        """Build a tar context that has a `Dockerfile` at its root; its RUN lines reach nothing outside.

        `network` gives them the engine's default network. `on_line` gets the build's output live. Raises
        BuildError with the last lines in `details`.
        """

    def remove_image(self, reference: str) -> None:
        """Remove one reference of an image."""

    # -- networks and volumes --------------------------------------------------------------------
    def create_network(self, network: Network, stack: Stack) -> None:
        """Create it with labels that Compose understands. Raises SubnetTakenError on overlap."""

    def remove_network(self, name: str) -> None:
        """Remove it by the engine's name or id."""

    def connect_network(self, container_id: str, service: Service, network: str, stack: Stack) -> None:
        """Put a container of that service on a network of the stack (by key), with its names there.

        It is not interrupted. One that is there already stays so.
        """

    def disconnect_network(self, container_id: str, name: str) -> None:
        """Take a container off the network of that name; it is not interrupted."""

    def create_volume(self, volume: Volume, stack: Stack) -> None:
        """Create it, empty, its root directory owned by `volume.owner` once filled."""

    def remove_volume(self, name: str) -> None:
        """Remove it and what it holds."""

    def fill_volume(self, content: VolumeContent, volume: Volume, image: str) -> None:
        """Put a version of files into a volume and point `current` at it.

        Without `files` (data and scratch volumes) only the owner is set. Never runs anything for a volume
        that has no `current` yet: a helper container is created from `image`, filled through the archive
        call and removed, never started. Where `current` exists and
        names another version, the switch is one rename (readers never see it missing).
        """

    def stage_volume(self, content: VolumeContent, volume: Volume, image: str) -> str:
        """Put a version of files beside the current one; returns its directory's name in the volume.

        `current` stays where it is, until `fill_volume` with the same content moves it.
        """

    # -- containers ------------------------------------------------------------------------------
    def create_container(self, service: Service, stack: Stack, number: int = 1) -> str:
        """Create it on all of its networks, hardened and labelled, and return its id; not started.

        `number` tells several containers of one service apart, counted from 1.
        """

    def start_container(self, container_id: str) -> None:
        """Start it. Raises PortTakenError; the container can be started again once the port is free."""

    def stop_container(self, container_id: str, grace_s: int) -> None:
        """SIGTERM, then SIGKILL after the grace."""

    def restart_container(self, container_id: str, grace_s: int) -> None:
        """Stop and start the same container."""

    def update_container(self, container_id: str, service: Service) -> None:
        """Give it the service's limits and restart policy as it runs; it is not interrupted."""

    def remove_container(self, container_id: str) -> None:
        """Kill and remove it with its anonymous volumes."""
