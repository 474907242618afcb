"""One command at a time changes a stack.

The lock is the kernel's (flock on an open file), so that it ends with its owner, however that ends. The file
is never removed: whoever locked a removed file would hold a lock that nobody else can see. What stands in it
only tells others who holds it; a line that outlived its owner means nothing.

Whether it is held can only be seen by taking it, which who looks does for an instant, shared. Whoever wants
it meanwhile finds it held without a living owner's line, and tries again for a moment before believing that.
"""

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from docgenctl.model.errors import LockedError, RefusedError
from docgenctl.model.lock_owner import LockOwner
from docgenctl.state.this_process import host_name, user_name

_POLL_S = 0.05
#: How long a lock without a living owner's line is asked for again: somebody looks, or it changes hands.
_BETWEEN_OWNERS_S = 2.0
_FILE = "lock"


@contextlib.contextmanager
def project_lock(path: Path, command: str, *, wait_s: float = 0, change: str = "") -> Iterator[None]:
    """Hold the lock of the project whose state directory is `path`.

    Args:
        path: the project's state directory.
        command: what others are told is running, such as `docgenctl up`; no secrets.
        wait_s: how long to wait for another owner; 0 does not wait.
        change: the id of the command in the project's history.

    Raises:
        LockedError: another process holds it; the message says who, since when and with what.
        RefusedError: the lock file cannot be opened, or is a link.
    """
    descriptor = _open(path / _FILE, os.O_RDWR | os.O_CREAT)
    try:
        _acquire(descriptor, wait_s)
        _sign(descriptor, command, change)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def lock_owner(path: Path) -> LockOwner | None:
    """Who holds the lock of the project whose state directory is `path`; None when nobody does.

    Raises RefusedError when the lock file cannot be opened, or is a link.
    """
    if not os.path.lexists(path / _FILE):
        return None
    descriptor = _open(path / _FILE, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def lives_here(owner: LockOwner) -> bool:
    """Whether the owner's process can be seen from here: on this machine and in this process namespace."""
    if owner.host != host_name() or owner.pid <= 0:
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's, and alive
        return True
    return True


def has_open(owner: LockOwner, path: Path) -> bool:
    """Whether that process has the lock file open: a number may have gone to another process since."""
    wanted = (path / _FILE).stat()
    for entry in Path(f"/proc/{owner.pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            found = entry.stat()
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    return False


def _open(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise RefusedError(f"the lock {path} cannot be opened: {reason}", hint=f"look at {path}") from None
    if flags & os.O_CREAT and os.fstat(descriptor).st_size == 0:
        os.fchmod(descriptor, 0o600)
    return descriptor


def _acquire(descriptor: int, wait_s: float) -> None:
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            patience_s = wait_s if _may_be_held(owner) else max(wait_s, _BETWEEN_OWNERS_S)
            left = began + patience_s - time.monotonic()
            if left <= 0:
                raise _locked(owner) from None
            # flock has no timeout, and a signal handler is not ours to set
            time.sleep(min(_POLL_S, left))
        else:
            return


def _may_be_held(owner: LockOwner) -> bool:
    """False for a line that cannot be the present owner's: there is none, or its process is gone."""
    return bool(owner.pid) and (owner.host != host_name() or lives_here(owner))


def _sign(descriptor: int, command: str, change: str) -> None:
    line = json.dumps(
        {
            "pid": os.getpid(),
            "user": user_name(),
            "host": host_name(),
            "command": command,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "change": change,
        }
    )
    data = line.encode() + b"\n"
    # Write before cutting: a reader takes the first line, which is whole at any moment.
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _owner(descriptor: int) -> LockOwner:
    try:
        line = json.loads(os.pread(descriptor, 65_536, 0).split(b"\n", 1)[0])
        return LockOwner(
            pid=int(line["pid"]),
            user=str(line["user"]),
            host=str(line["host"]),
            command=str(line["command"]),
            since=str(line["since"]),
            change=str(line.get("change", "")),
        )
    except (ValueError, TypeError, KeyError):  # it took the lock this very moment, or is giving it back
        return LockOwner()


def _locked(owner: LockOwner) -> LockedError:
    if not owner.pid:
        return LockedError(
            "another docgenctl command is changing this stack", hint="wait for it to end, then try again"
        )
    return LockedError(
        f"`{owner.command}` is changing this stack: started by {owner.user} on {owner.host} "
        f"(process {owner.pid}), {owner.since}",
        hint="wait for it with --wait-lock SECONDS, or end it with: docgenctl lock release",
    )
