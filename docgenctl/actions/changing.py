"""What every changing command does around its work: hold the lock, and write down who did what."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl import __version__
from docgenctl.files import private_files
from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.host.room import refuse_without_room
from docgenctl.model.errors import DocgenError, ExitCode
from docgenctl.model.history import HistoryEntry, Result
from docgenctl.rendering import write
from docgenctl.state.history import History
from docgenctl.state.lock import project_lock
from docgenctl.state.this_process import command_line, host_name, user_name

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject


@dataclass
class Change:
    """The command in progress; an action may say how it ends where no exception tells it.

    `result` is what the history says after an end without an exception, `error` a failure that the
    action reports instead of raising it.
    """

    result: Result = Result.DONE
    error: DocgenError | None = None

    def nothing_changed(self) -> None:
        """There was nothing to do."""
        self.result = Result.UNCHANGED


@contextmanager
def changing(opened: OpenProject, command: str, *, frees: bool = False) -> Iterator[Change]:
    """Hold the project's lock and record the command in its history; every changing action goes through here.

    `command` is what others are told is running, such as `docgenctl up`. Waits for another command as long
    as `opened.wait_lock_s` says. Raises LockedError, and RefusedError for a lock that cannot be opened or,
    unless the command `frees` things, a disk without room (`disk_full`).
    """
    if not frees:
        refuse_without_room((opened.state_dir, opened.project.directory))
    with changing_state(opened.state_dir, command, wait_s=opened.wait_lock_s) as change:
        # With the lock, nobody is at work: what lies there half written is left of a command that was killed.
        private_files.remove_unfinished(opened.state_dir)
        write.remove_unfinished(opened.project.directory)
        yield change


@contextmanager
def changing_state(state_dir: Path, command: str, *, wait_s: float = 0) -> Iterator[Change]:
    """The same for a project whose configuration could not be read, by its state directory."""
    if current_rehearsal() is not None:
        raise AssertionError("a rehearsal changes nothing")
    entry = HistoryEntry(
        id=secrets.token_hex(8),
        command=command,
        arguments=command_line(),
        started="",
        user=user_name(),
        host=host_name(),
        pid=os.getpid(),
        tool_version=__version__,
        result=Result.RUNNING,
    )
    with (
        project_lock(state_dir, command, wait_s=wait_s, change=entry.id),
        _recorded(state_dir, entry) as change,
    ):
        yield change


@contextmanager
def _recorded(state_dir: Path, entry: HistoryEntry) -> Iterator[Change]:
    history = History(state_dir)
    began = time.monotonic()
    history.began(replace(entry, started=datetime.now(UTC).isoformat(timespec="seconds")))
    change = Change()

    def ended(result: Result, exit_code: int, error_code: str = "") -> None:
        history.ended(
            entry.id,
            result=result,
            exit_code=exit_code,
            error_code=error_code,
            duration_s=time.monotonic() - began,
        )

    try:
        yield change
    except DocgenError as error:
        ended(Result.FAILED, error.exit_code, error.code)
        raise
    except KeyboardInterrupt as stop:
        ended(Result.INTERRUPTED, _exit_code_of(stop), "interrupted")
        raise
    except BaseException:
        ended(Result.FAILED, ExitCode.BUG, "bug")
        raise
    if change.error is None:
        ended(change.result, ExitCode.DONE)
    else:
        result = Result.FAILED if change.result is Result.DONE else change.result
        ended(result, change.error.exit_code, change.error.code)


def _exit_code_of(stop: KeyboardInterrupt) -> int:
    """128 and the signal's number; the command line puts the signal's name into the exception."""
    number = signal.Signals.__members__.get(str(stop), signal.SIGINT)
    return 128 + number
