"""Checks of the project: settings, state directory, what is remembered, output folder, lock, left files."""

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from docgenctl.actions.doctor.scene import Scene
from docgenctl.actions.open_engine import PROCESSES
from docgenctl.host.socket_tables import user_name
from docgenctl.host.workspace import prepare_output, service_owner, unreadable_for
from docgenctl.model.client_key import ClientKey, KeyState
from docgenctl.model.diagnosis import Outcome, Repair, ok, problem, warning
from docgenctl.model.errors import ConfigurationError, DocgenError, RefusedError
from docgenctl.secrets.client_keys import ClientKeyFile
from docgenctl.state.directory import STATE_DIR_VARIABLE, state_base
from docgenctl.state.lock import lock_owner

#: A file under its second name that is older than this was left by a writer that died.
_LEFT_BEHIND_S = 60.0
#: A key that ends within this span is told.
_SOON = timedelta(days=7)
#: A command that has held the lock this long deserves a look.
_LONG_S = 1800.0


def configuration(scene: Scene) -> Outcome:
    """docgen.yaml, `.env` and the variables can be read and used."""
    try:
        found = scene.configuration()
    except ConfigurationError as error:
        return problem(
            error.message, *map(str, error.problems), fix=error.hint or "docgenctl config validate"
        )
    return ok(f"{found.file} is valid" if found.file else "there is no docgen.yaml; the defaults are used")


def state(scene: Scene) -> Outcome:
    """The state directory is this user's, writable, and closed to everybody else."""
    base = state_base(scene.environ)
    place = scene.state_dir()
    try:
        there = place.exists()
    except PermissionError:
        return problem(
            f"{place} cannot be looked at: {base} is closed to this user",
            fix=f"run the command as its owner, or set {STATE_DIR_VARIABLE} to a directory of your own",
        )
    if not there:
        writable = next(parent for parent in place.parents if parent.exists())
        if not os.access(writable, os.W_OK | os.X_OK):
            return problem(
                f"{place} cannot be made: {writable} is not writable by this user",
                fix=f"set {STATE_DIR_VARIABLE} to a directory that you may write to",
            )
        return ok(f"{place} is not there yet; the first command makes it")
    try:
        entries = list(_entries(place))
    except OSError as error:
        return problem(
            f"{place} cannot be read: {error.strerror}", fix=f"sudo chown -R {os.geteuid()} {place}"
        )
    foreign = [path for path, found in entries if found.st_uid != os.geteuid()]
    if foreign:
        owner = user_name(foreign[0].lstat().st_uid)
        return problem(
            f"{len(foreign)} of the state's files belong to somebody else, such as {foreign[0]} ({owner})",
            fix=f"sudo chown -R {os.geteuid()} {place}",
        )
    if exposed := _exposed(place, entries):
        path, found = exposed[0]
        return problem(
            f"{len(exposed)} of the state's files open to others, such as {path}"
            f" (mode {stat.S_IMODE(found.st_mode):04o}); keys may have been read",
            fix=f"chmod -R go-rwx {place}",
            repairs=tuple(
                Repair(what=f"close {path} to others", run=partial(_close, path)) for path, _ in exposed
            ),
        )
    if not os.access(place, os.W_OK | os.X_OK):
        return problem(
            f"{place} is read-only", fix=f"set {STATE_DIR_VARIABLE} to a place that can be written"
        )
    return ok(f"{place} is yours alone, {len(entries)} files, below {base}")


def _entries(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The directory and everything in it. Raises OSError where it cannot be read."""
    yield place, place.lstat()
    for path in place.iterdir():
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            yield from _entries(path)
        else:
            yield path, found


def _exposed(place: Path, entries: list[tuple[Path, os.stat_result]]) -> list[tuple[Path, os.stat_result]]:
    """What others could reach. What a container's volume would hold keeps its modes in its closed folder."""
    volumes = place / PROCESSES
    closed = volumes.is_dir() and not volumes.lstat().st_mode & 0o077
    return [
        (path, found)
        for path, found in entries
        if found.st_mode & 0o077 and not _is_link(found) and not (closed and path.is_relative_to(volumes))
    ]


def _is_link(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode)


def _close(path: Path) -> None:
    """Take the rights of others away; never through a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o700)
    finally:
        os.close(descriptor)


def record(scene: Scene) -> Outcome:
    """What is remembered (ports, subnets, pins) can be read, and was not written in the future."""
    place = scene.state_dir() / "state.json"
    if not scene.state_dir().is_dir() or not place.exists():
        return ok("nothing is remembered yet")
    try:
        found = scene.state()
    except ConfigurationError as error:
        return problem(error.message, fix=error.hint)
    ahead_s = place.stat().st_mtime - time.time()
    if ahead_s > 60:
        return warning(
            f"{place} was written {ahead_s:.0f} s in the future: this machine's clock went back",
            fix="set the clock: sudo timedatectl set-ntp true",
        )
    return ok(f"{len(found.ports)} ports and {len(found.subnets)} subnets are remembered")


def workspace(scene: Scene) -> Outcome:
    """`main` can read the workspace and write its output folder."""
    directory = scene.workspace()
    owner = service_owner(directory)
    uid = int(owner.partition(":")[0])
    if unreadable_for(directory, owner):
        return problem(
            f"main, which runs as uid {uid}, cannot read {directory}: documents would be empty",
            fix=f"chmod o+rx {directory}",
        )
    output = scene.settings().workspace.output
    folder = directory / output
    if not folder.exists() and not _began(scene):
        return ok(f"main reads {directory} as uid {uid}; the first up makes {folder}")
    if not folder.exists():
        return warning(
            f"the output folder {folder} is gone, and main cannot write documents",
            fix="docgenctl doctor project --fix",
            repairs=(Repair(what=f"make {folder}", run=lambda: prepare_output(directory, output, owner)),),
        )
    if folder.is_symlink() or not folder.is_dir():
        return problem(
            f"{folder} is a link or a file", fix="remove it, or name another under workspace/output"
        )
    if folder.stat().st_uid != uid:
        give = Repair(
            what=f"give {folder} to uid {uid}", run=lambda: prepare_output(directory, output, owner)
        )
        return problem(
            f"{folder} belongs to {user_name(folder.stat().st_uid)}, and main writes as uid {uid}",
            fix=f"sudo chown {owner} {folder}",
            repairs=(give,) if os.geteuid() == 0 else (),
        )
    return ok(f"main reads {directory} and writes {folder}, as uid {uid}")


def _began(scene: Scene) -> bool:
    """Whether a command has run for this workspace, as far as the state can be read."""
    try:
        return bool(scene.state().directory)
    except (DocgenError, OSError):
        return False


def lock(scene: Scene) -> Outcome:
    """Nobody holds the project's lock, or somebody who lives and works."""
    place = scene.state_dir()
    path = place / "lock"
    if not path.exists():
        return ok("nobody is changing this stack")
    try:
        owner = lock_owner(place)
    except RefusedError as error:
        return problem(error.message, fix=error.hint)
    if owner is not None:
        age_s = time.time() - path.stat().st_mtime
        who = f"`{owner.command or 'a command'}` (process {owner.pid}, {owner.user}) is changing this stack"
        if age_s > _LONG_S:
            return warning(f"{who}, for {age_s / 60:.0f} minutes", fix="docgenctl lock release")
        return ok(who)
    if path.stat().st_size:
        return warning(
            "a command that held the lock died: its name still stands in it; the next command takes it over",
            fix="docgenctl up",
            repairs=(Repair(what=f"empty {path}", run=lambda: _empty_unless_held(place)),),
        )
    return ok("nobody is changing this stack")


def _empty_unless_held(place: Path) -> None:
    if lock_owner(place) is None:
        descriptor = os.open(place / "lock", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)


def files(scene: Scene) -> Outcome:
    """No half-written files of commands that were killed."""
    left = [path for path in _temporary(scene) if time.time() - path.lstat().st_mtime > _LEFT_BEHIND_S]
    if not left:
        return ok("no half-written files")
    return warning(
        f"{len(left)} half-written files of commands that were killed; the next writer replaces them",
        *map(str, left[:10]),
        fix="docgenctl doctor project --fix",
        repairs=tuple(
            Repair(what=f"remove {path}", run=partial(path.unlink, missing_ok=True)) for path in left
        ),
    )


def keys(scene: Scene) -> Outcome:
    """Keys made for clients: those that have ended, and those that end soon."""
    place, now = scene.state_dir(), datetime.now(UTC)
    made = [key for key in ClientKeyFile(place).read() if key.revoked is None] if place.is_dir() else []
    if not made:
        return ok("no keys were made for clients")
    ended = [key for key in made if key.state(now) is KeyState.EXPIRED]
    soon = [key for key in made if key not in ended and _ends_by(key, now + _SOON)]
    if not ended and not soon:
        return ok(f"{len(made)} made for clients, none of which ends within {_SOON.days} days")
    told = [f"{key.name} has ended: {key.expires}" for key in ended]
    told += [f"{key.name} ends soon: {key.expires}" for key in soon]
    return warning(
        f"{told[0]}" + (f"; and {len(told) - 1} more" if len(told) > 1 else ""),
        *told[1:],
        fix=f"docgenctl keys revoke {ended[0].name}; docgenctl keys create makes another"
        if ended
        else "docgenctl keys create makes another, under another name",
    )


def _ends_by(key: ClientKey, moment: datetime) -> bool:
    return key.expires is not None and datetime.fromisoformat(key.expires) <= moment


def _temporary(scene: Scene) -> Iterator[Path]:
    """Files under the second name that private files and rendered ones are written under."""
    for place, pattern in ((scene.state_dir(), "**/.*.new"), (scene.workspace(), ".*.docgenctl-new")):
        if place.is_dir():
            yield from (path for path in place.glob(pattern) if path.is_file() and not path.is_symlink())
    rendered = scene.workspace() / ".docgen"
    if rendered.is_dir() and not rendered.is_symlink():
        yield from (path for path in rendered.rglob(".*.docgenctl-new") if path.is_file())
