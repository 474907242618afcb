import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from docgenctl.actions.changing import changing
from docgenctl.actions.release_lock import current_owner, refuse_unreachable, release_lock
from docgenctl.model.errors import RefusedError
from docgenctl.model.lock_owner import LockOwner
from tests.unit.actions.conftest import OpenWith
from tests.unit.state.test_lock import _ENVIRONMENT

_OWNER = """
import signal, sys, time
from pathlib import Path
from docgenctl.state.lock import project_lock
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with project_lock(Path(sys.argv[1]), "docgenctl up"):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def owner_process(path: Path, kind: str = "polite") -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, path, kind], stdout=subprocess.PIPE, env=_ENVIRONMENT
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def owner_of(opened: object) -> LockOwner:
    owner = current_owner(opened)  # type: ignore[arg-type]
    assert owner is not None
    return owner


def test_an_owner_is_asked_to_end_and_its_lock_is_free(open_with: OpenWith) -> None:
    opened = open_with()
    with owner_process(opened.state_dir) as process:
        owner = owner_of(opened)
        assert (owner.pid, owner.command) == (process.pid, "docgenctl up")
        assert release_lock(opened, owner) is False
        assert process.wait(5) == -signal.SIGTERM
    with changing(opened, "docgenctl up"):
        pass


def test_a_suspended_owner_is_ended_too(open_with: OpenWith) -> None:
    opened = open_with()
    with owner_process(opened.state_dir) as process:
        process.send_signal(signal.SIGSTOP)
        assert release_lock(opened, owner_of(opened)) is False
        assert process.wait(5) == -signal.SIGTERM


def test_an_owner_that_does_not_listen_is_killed(open_with: OpenWith) -> None:
    opened = open_with()
    with owner_process(opened.state_dir, "deaf") as process:
        assert release_lock(opened, owner_of(opened), grace_s=0.5) is True
        assert process.wait(5) == -signal.SIGKILL


def test_a_dead_owner_holds_nothing(open_with: OpenWith) -> None:
    opened = open_with()
    with owner_process(opened.state_dir) as process:
        process.kill()
        process.wait()
        assert current_owner(opened) is None


def test_no_process_is_ended_that_does_not_hold_the_lock(open_with: OpenWith) -> None:
    opened = open_with()
    with (
        owner_process(opened.state_dir),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander,
    ):
        claimed = replace(owner_of(opened), pid=bystander.pid)
        with pytest.raises(RefusedError, match="cannot be seen from here"):
            release_lock(opened, claimed)
        assert bystander.poll() is None
        bystander.kill()


def test_an_owner_on_another_host_is_left_to_that_host(open_with: OpenWith) -> None:
    opened = open_with()
    with owner_process(opened.state_dir):
        elsewhere = replace(owner_of(opened), host="elsewhere")
        with pytest.raises(RefusedError, match="is held on elsewhere") as refused:
            refuse_unreachable(opened, elsewhere)
    assert refused.value.hint == "on elsewhere: docgenctl lock release"
