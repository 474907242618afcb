"""Knowing that a render would change nothing, without rendering.

Theory of operation. What `render` writes follows from its circumstances: the configuration, the program with
its templates and server sources, what the state directory holds, the secrets that the environment names, the
workspace's owner and the base images made here. A render leaves a note with one digest of all these and the
digest of every file that it left behind. As long as circumstances and files are the note's, there is nothing
to do. Files that only docgenctl writes count by their inode, size and times; those in the workspace by their
content.

Three things cannot be in a digest: a remembered port or subnet may have been taken since, so each is tried
again; and a certificate is good for a time only, so the note holds as long as that. The note is derived and
may be deleted; whatever is wrong with it leads to a full render.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docgenctl
from docgenctl.actions.cache import cache_directory
from docgenctl.actions.changing import changing_state
from docgenctl.certificates.verdict import good_between
from docgenctl.files.private_files import read_private, remove_private, write_private
from docgenctl.host.ports import port_is_free
from docgenctl.host.routes import routes
from docgenctl.model.errors import RefusedError
from docgenctl.planning.reconcile import refuse_foreign

if TYPE_CHECKING:
    from docgenctl.actions.design_stack import Design
    from docgenctl.actions.glance import Glance
    from docgenctl.actions.open_engine import WhoseStack
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine
    from docgenctl.model.blueprint import Blueprint
    from docgenctl.model.observed import Observation

_FILE = "render.json"
_LAYOUT = 1
#: What in the state directory says something about what is rendered; the rest is lock, history and notes.
_STATE = ("state.json", "api-key", "api-key-dates.json", "gateway.pem", "ca", "secrets")


def nothing_to_render(found: Glance, engine: Engine | None, *, wait_lock_s: float) -> tuple[str, ...] | None:
    """The paths of all rendered files when each is as a render would leave it, None when that is not sure.

    Holds the project's lock and leaves an entry in its history, as any render does. Raises LockedError, and
    RefusedError for a stack of another directory.
    """
    note = _recall(found.state_dir)
    if note is None or not _holds(note, found, engine):
        return None
    with changing_state(found.state_dir, "docgenctl render", wait_s=wait_lock_s) as change:
        if not _holds(note, found, engine):  # somebody was at work while we waited
            return None
        change.nothing_changed()
        return tuple(sorted(note["files"]))


def leave_note(
    opened: OpenProject,
    engine: Engine | None,
    blueprint: Blueprint,
    design: Design,
) -> None:
    """Write down what has just been rendered, within the lock."""
    window = good_between(opened.state_dir)
    if window is None:
        return
    variables = sorted({secret.environment for facts in opened.facts.values() for secret in facts.secrets})
    note = {
        "layout": _LAYOUT,
        "good": window,
        "bind": blueprint.settings.ports.bind,
        "ports": sorted(blueprint.ports.values()),
        "subnets": sorted(blueprint.subnets.values()),
        "variables": variables,
        "files": {path: _digest([text.encode()]) for path, text in design.files.items()},
        "circumstances": _circumstances(opened, engine, variables),
        "inputs": _inputs(opened),
    }
    try:
        write_private(opened.state_dir / _FILE, json.dumps(note).encode() + b"\n")
    except RefusedError:
        return


def forget_note(state_dir: Path) -> None:
    """What was rendered with flags, or not at all, is not what the next render would write."""
    remove_private(state_dir / _FILE)


def is_noted(state_dir: Path) -> bool:
    """Whether a render has left a note; without one there is nothing to look at."""
    return (state_dir / _FILE).exists()


def _recall(state_dir: Path) -> dict[str, Any] | None:
    try:
        note = json.loads(read_private(state_dir / _FILE) or b"{}")
        return note if isinstance(note, dict) and note.get("layout") == _LAYOUT else None
    except (RefusedError, ValueError):
        return None


def _holds(note: Mapping[str, Any], found: WhoseStack, engine: Engine | None) -> bool:
    try:
        begins, ends = note["good"]
        if not begins <= time.time() < ends or note["inputs"] != _inputs(found):
            return False
        if not all(_lies_there(found.project.directory, path, told) for path, told in note["files"].items()):
            return False
        observation = engine.observe(found.project.name) if engine else None
        if observation is not None:
            refuse_foreign(found.project, observation)
        if note["circumstances"] != _circumstances(found, engine, note["variables"]):
            return False
        if not _subnets_are_free(note["subnets"], observation):
            return False
        ours = set(_own_ports(observation))
        return all(port in ours or port_is_free(note["bind"], port) for port in note["ports"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _lies_there(workspace: Path, path: str, digest: str) -> bool:
    try:
        descriptor = os.open(workspace / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        closed = os.fstat(descriptor).st_mode & 0o777 == 0o600
        return (closed or not Path(path).name.startswith(".env")) and _digest([file.read()]) == digest


def _inputs(found: WhoseStack) -> str:
    """The configuration's digest; the directory of an open project and of a glance is the same."""
    from docgenctl.configuration.inputs import digest_of_inputs

    return digest_of_inputs(found.project.directory, found.environ)


def _circumstances(found: WhoseStack, engine: Engine | None, variables: Iterable[str]) -> str:
    return _digest(_parts(found, engine, variables))


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


def _subnets_are_free(subnets: Iterable[str], observation: Observation | None) -> bool:
    """Whether nothing that engine or host use overlaps them; the stack's own networks do not count."""
    ours = {network.subnet for network in observation.networks} if observation else set()
    taken = [route.network for route in routes() if str(route.network) not in ours]
    taken += [IPv4Network(subnet) for subnet in (observation.foreign_subnets if observation else ())]
    return not any(IPv4Network(subnet).overlaps(network) for subnet in subnets for network in taken)


def _own_ports(observation: Observation | None) -> Iterator[int]:
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


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
