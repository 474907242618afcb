"""What files and plans follow from, as digests that are cheap to take again.

Notes of earlier commands (see `render_note` and `up_note`) hold such digests: while they are the same, so is
what followed from them. Files that only docgenctl writes count by their inode, size and times; those in the
workspace, which people edit, by their content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import docgenctl
from docgenctl.actions.cache import cache_directory
from docgenctl.host.routes import routes

if TYPE_CHECKING:
    from docgenctl.actions.open_engine import WhoseStack
    from docgenctl.engine.protocol import Engine
    from docgenctl.model.blueprint import Server
    from docgenctl.model.image_facts import ImageFacts
    from docgenctl.model.observed import Observation

#: What in the state directory says something about what is rendered; the rest is lock, history and notes.
_STATE = (
    *("state.json", "api-key", "api-key-dates.json", "keys.json", "keys-delivered.json"),
    *("gateway.pem", "ca", "secrets"),
)


def lies_there(workspace: Path, path: str, digest: str) -> bool:
    """Whether that file of the workspace is still what was written, and as closed as it should be."""
    try:
        descriptor = os.open(workspace / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        closed = os.fstat(descriptor).st_mode & 0o777 == 0o600
        return (closed or not Path(path).name.startswith(".env")) and digest_of_parts([file.read()]) == digest


def inputs_of(found: WhoseStack) -> str:
    """The configuration's digest; the directory of an open project and of a glance is the same."""
    from docgenctl.configuration.inputs import digest_of_inputs

    return digest_of_inputs(found.project.directory, found.environ)


def circumstances_of(found: WhoseStack, engine: Engine | None, variables: Iterable[str]) -> str:
    """One digest of all but the configuration: program, state, secrets, owner, base images, engine."""
    return digest_of_parts(_parts(found, engine, variables))


def _parts(found: WhoseStack, engine: Engine | None, variables: Iterable[str]) -> Iterator[bytes]:
    package = Path(docgenctl.__file__).resolve().parent
    data = package / "_data" if (package / "_data").is_dir() else package.parent
    yield from _stamps([package, data / "templates", data / "server_images"])
    yield from _stamps([found.state_dir / name for name in _STATE])
    yield from _stamps([cache_directory(found.environ) / "base-image"], below=2)
    owner = found.project.directory.stat()
    yield f"{owner.st_uid}:{owner.st_gid}".encode()
    for variable in variables:
        yield os.fsencode(found.environ.get(variable, ""))
    yield engine.info().architecture.encode() if engine else b"no engine"


def secret_variables(facts: Iterable[ImageFacts], servers: Iterable[Server]) -> list[str]:
    """The names of all variables that may hold a secret of some image, or of one of these servers."""
    of_images = {secret.environment for fact in facts for secret in fact.secrets}
    return sorted(of_images | {secret.environment for server in servers for secret in server.secrets})


def subnets_are_free(subnets: Iterable[str], observation: Observation | None) -> bool:
    """Whether nothing that engine or host use overlaps them; the stack's own networks do not count."""
    ours = {network.subnet for network in observation.networks} if observation else set()
    taken = [route.network for route in routes() if str(route.network) not in ours]
    taken += [IPv4Network(subnet) for subnet in (observation.foreign_subnets if observation else ())]
    return not any(IPv4Network(subnet).overlaps(network) for subnet in subnets for network in taken)


def own_ports(observation: Observation | None) -> Iterator[int]:
    """Host ports that containers of the stack hold now; busy, and still ours."""
    for container in observation.containers if observation else ():
        if container.state in ("running", "restarting", "paused"):
            yield from (port.host_port for port in container.ports)


def _stamps(places: Iterable[Path], *, below: int = 99) -> Iterator[bytes]:
    """Name, inode, size and times of every file at and below these places."""
    pending = [(str(place), below) for place in places]
    found = []
    while pending:
        place, levels = pending.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if levels and entry.name != "__pycache__":
                            pending.append((entry.path, levels - 1))
                    else:
                        found.append(_stamp(entry.path, entry.stat(follow_symlinks=False)))
        except NotADirectoryError:
            found.append(_stamp(place, os.lstat(place)))
        except FileNotFoundError:
            found.append(f"{place}: absent")
    yield from (stamp.encode(errors="surrogateescape") for stamp in sorted(found))


def _stamp(path: str, status: os.stat_result) -> str:
    return f"{path}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def digest_of_parts(parts: Iterable[bytes]) -> str:
    """SHA-256 (hex) of the parts, whose borders count."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
