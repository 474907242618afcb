"""`docgenctl lock`: who is changing the stack, and ending a command that does not come to its end.

A lock ends with its owner, so there is nothing to release when the owner is dead. What can stand in the way
is an owner that hangs or was forgotten, suspended, in another terminal: releasing its lock means ending it.
It is asked to end first, and killed when it does not; the next command repairs what that leaves.
"""

import contextlib
import os
import signal
import time

from docgenctl.actions.open_project import OpenProject
from docgenctl.model.errors import LockedError, RefusedError
from docgenctl.model.lock_owner import LockOwner
from docgenctl.state.lock import has_open, lives_here, lock_owner
from docgenctl.state.this_process import host_name

#: How long an owner may take to end by itself, in seconds: engine calls under way are waited for.
GRACE_S = 15.0
_POLL_S = 0.05


def current_owner(opened: OpenProject) -> LockOwner | None:
    """Who holds the lock; None when nobody does. Raises RefusedError for a lock file that is a link."""
    return lock_owner(opened.state_dir)


def release_lock(opened: OpenProject, owner: LockOwner, *, grace_s: float = GRACE_S) -> bool:
    """End the owner's process, and return whether it had to be killed.

    Raises RefusedError when it is not a process that can be told for sure from here: on another host, in
    another container, or of another user. Raises LockedError when the lock is held even then.
    """
    refuse_unreachable(opened, owner)
    killed = False
    try:
        os.kill(owner.pid, signal.SIGTERM)
        # A suspended process does not take the signal before it is continued.
        os.kill(owner.pid, signal.SIGCONT)
        if not _gone(opened, owner, grace_s):
            killed = True
            os.kill(owner.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it ended by itself meanwhile
    except PermissionError:
        raise RefusedError(
            f"process {owner.pid} belongs to {owner.user}, and only that user or root can end it",
            hint=f"ask {owner.user}, or wait with --wait-lock SECONDS",
            code="lock_out_of_reach",
        ) from None
    if not _gone(opened, owner, grace_s):
        raise LockedError(
            f"process {owner.pid} was killed and still holds the lock",
            hint="it waits for a disk that does not answer; look at the file system of the state directory",
        )
    return killed


def refuse_unreachable(opened: OpenProject, owner: LockOwner) -> None:
    """Raise RefusedError unless the owner is a process that we see holding the lock."""
    if owner.host and owner.host != host_name():
        raise RefusedError(
            f"the lock is held on {owner.host} (process {owner.pid}), and this is {host_name()}",
            hint=f"on {owner.host}: docgenctl lock release",
            code="lock_out_of_reach",
        )
    with contextlib.suppress(OSError):
        if lives_here(owner) and has_open(owner, opened.state_dir):
            return
    raise RefusedError(
        "the lock is held by a process that cannot be seen from here",
        hint="it runs in another container or as another user: end it there; its lock ends with it",
        code="lock_out_of_reach",
    )


def _gone(opened: OpenProject, owner: LockOwner, patience_s: float) -> bool:
    """Wait until that owner no longer holds the lock; another command may have taken it by then."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        now = lock_owner(opened.state_dir)
        if now is None or (now.pid and now.pid != owner.pid):
            return True
        time.sleep(_POLL_S)
    return False
