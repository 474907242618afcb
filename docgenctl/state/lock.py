"""One command at a time changes a stack.

The lock is the kernel's (flock on an open file), so that it ends with its owner, however that ends. The file
is never removed: whoever locked a removed file would hold a lock that nobody else can see. What stands in it
only tells others who holds it; a line that outlived its owner means nothing.
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
from typing import Any

from docgenctl.model.errors import LockedError, RefusedError

_POLL_S = 0.05
_FILE = "lock"


@contextlib.contextmanager
def project_lock(path: Path, command: str, *, wait_s: float = 0) -> Iterator[None]:
    """Hold the lock of the project whose state directory is `path`.

    Args:
        path: the project's state directory.
        command: what others are told is running, such as `docgenctl up`; no secrets.
        wait_s: how long to wait for another owner; 0 does not wait.

    Raises:
        LockedError: another process holds it; the message says who, since when and with what.
        RefusedError: the lock file cannot be opened, or is a link.
    """
    descriptor = _open(path / _FILE)
    try:
        _acquire(descriptor, time.monotonic() + wait_s)
        _sign(descriptor, command)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise RefusedError(f"the lock {path} cannot be opened: {reason}", hint=f"look at {path}") from None
    if os.fstat(descriptor).st_size == 0:
        os.fchmod(descriptor, 0o600)
    return descriptor


def _acquire(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _locked(_owner(descriptor)) from None
            # flock has no timeout, and a signal handler is not ours to set
            time.sleep(min(_POLL_S, left))
        else:
            return


def _sign(descriptor: int, command: str) -> None:
    line = json.dumps(
        {
            "pid": os.getpid(),
            "user": _user_name(),
            "host": os.uname().nodename,
            "command": command,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    data = line.encode() + b"\n"
    # Write before cutting: a reader takes the first line, which is whole at any moment.
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a uid without a name, as in containers
        return f"uid {os.geteuid()}"


def _owner(descriptor: int) -> dict[str, Any]:
    try:
        owner = json.loads(os.pread(descriptor, 65_536, 0).split(b"\n", 1)[0])
    except ValueError:  # empty: it took the lock this very moment, or is giving it back
        return {}
    return owner if isinstance(owner, dict) else {}


def _locked(owner: dict[str, Any]) -> LockedError:
    if not owner:
        return LockedError(
            "another docgenctl command is changing this stack", hint="wait for it to end, then try again"
        )
    pid, host = owner.get("pid"), owner.get("host")
    return LockedError(
        f"`{owner.get('command')}` is changing this stack: started by {owner.get('user')} on {host} "
        f"(process {pid}), {owner.get('since')}",
        hint=f"wait for it to end, or end it with `kill {pid}`; its lock ends with it",
    )
