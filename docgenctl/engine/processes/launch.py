"""From a service to a process: where its mounts lie on this machine, and what it is told of them; pure.

There is no file system of one's own. Whatever a container would find below a mount's target, or in its
image, lies somewhere else here, so command and environment are told the true places: a value that is such a
path is replaced. Networks are the same: a service is told the sockets of those it shares a network with.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from docgenctl.engine.processes.places import Home
from docgenctl.engine.processes.proc import MARK
from docgenctl.model.errors import EngineError
from docgenctl.model.stack import Service, Stack

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Places:
    """Path in a container → path on this machine, for one service."""

    def __init__(self, service: Service, stack: Stack, home: Home, image: Path, container_id: str) -> None:
        mounts = {bind.target: bind.source for bind in service.binds}
        for mount in service.volumes:
            mounts[mount.target] = str(home.volumes / stack.volume(mount.volume).name)
        for tmpfs in service.tmpfs:
            mounts[tmpfs.target] = str(home.scratch / container_id)
        self._mounts = dict(sorted(mounts.items(), key=lambda item: -len(item[0])))
        self._image = image

    def of(self, value: str) -> str:
        """The value, or where it lies when it is a path in a mount or in the image."""
        if not value.startswith("/"):
            return value
        for target, source in self._mounts.items():
            if value == target or value.startswith(f"{target}/"):
                return source + value[len(target) :]
        inside = f"{self._image}{value}"
        return inside if os.path.lexists(inside) else value

    def all_of(self, values: Sequence[str]) -> tuple[str, ...]:
        """`of` each."""
        return tuple(self.of(value) for value in values)


def environment(
    service: Service,
    stack: Stack,
    image_environment: Mapping[str, str],
    places: Places,
    home: Home,
    container_id: str,
) -> dict[str, str]:
    """All variables of a service's process; nothing of the user's own environment."""
    own = {name: places.of(value) for name, value in {**image_environment, **service.environment}.items()}
    scratch = str(home.scratch / container_id)
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        **own,
        "DOCGEN_SOCKET": socket_name(service),
        "DOCGEN_PEERS": peers(service, stack),
        "DOCGEN_PEERS_FILE": str(peers_file(home, container_id)),
        MARK: container_id,
    }


def socket_name(service: Service) -> str:
    """The socket of a service, relative to the working directory of all of them."""
    return f"{service.container_name}.sock"


def refuse_second(service: Service, number: int) -> None:
    """Raise EngineError for another process of a service than the first: its socket has one place."""
    if number != 1:
        raise EngineError(
            f"{service.name} cannot run several times without containers",
            hint="docgenctl up --engine docker",
            code="unsupported",
        )


def peers_file(home: Home, container_id: str) -> Path:
    """Where a service is told of those it shares a network with since it was started."""
    return home.scratch / container_id / ".peers"


def peers(service: Service, stack: Stack) -> str:
    """Names and sockets of those that a service shares a network with."""
    networks = {place.network for place in service.networks}
    found = {
        name: socket_name(other)
        for other in stack.services
        if other.name != service.name
        for place in other.networks
        if place.network in networks
        for name in (other.name, *place.aliases)
    }
    return ",".join(f"{name}={path}" for name, path in sorted(found.items()))
