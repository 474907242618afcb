import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.model.errors import LockedError, RefusedError
from docgenctl.state.lock import project_lock

_ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

_HOLDER = """
import sys
from pathlib import Path
from docgenctl.state.lock import project_lock
with project_lock(Path(sys.argv[1]), "docgenctl up"):
    print("held", flush=True)
    sys.stdin.read()
"""

_CONTENDER = """
import os, sys
from pathlib import Path
from docgenctl.state.lock import project_lock
directory = Path(sys.argv[1])
sys.stdin.readline()
with project_lock(directory, "docgenctl up", wait_s=60):
    os.close(os.open(directory / "inside", os.O_CREAT | os.O_EXCL))
    with open(directory / "log", "a") as log:
        log.write(f"{os.getpid()}\\n")
    os.unlink(directory / "inside")
"""


@contextlib.contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock until its stdin ends or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_the_refusal_says_who_holds_it_since_when_and_with_what(tmp_path: Path) -> None:
    with (
        holder(tmp_path) as process,
        pytest.raises(LockedError) as caught,
        project_lock(tmp_path, "docgenctl down"),
    ):
        pass
    assert caught.value.exit_code == 7
    host = re.escape(os.uname().nodename)
    assert re.fullmatch(
        rf"`docgenctl up` is changing this stack: started by \S+( \d+)? on {host} \(process {process.pid}\), "
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
        caught.value.message,
    )
    assert "docgenctl lock release" in caught.value.hint


def test_the_lock_of_a_killed_owner_is_free_at_once(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with project_lock(tmp_path, "docgenctl up"):
        owner = json.loads((tmp_path / "lock").read_text())
    assert owner["pid"] == os.getpid()


def test_the_lock_is_free_after_the_block_even_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), project_lock(tmp_path, "docgenctl up"):
        raise KeyError
    with project_lock(tmp_path, "docgenctl up"):
        pass
    assert (tmp_path / "lock").read_bytes() == b""


def test_two_threads_of_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    with (
        project_lock(tmp_path, "docgenctl up"),
        pytest.raises(LockedError),
        project_lock(tmp_path, "docgenctl down"),
    ):
        pass


def test_who_waits_takes_over_when_the_owner_is_done(tmp_path: Path) -> None:
    taken = threading.Event()

    def wait_for_it() -> None:
        with project_lock(tmp_path, "docgenctl down", wait_s=30):
            taken.set()

    waiter = threading.Thread(target=wait_for_it)
    with project_lock(tmp_path, "docgenctl up"):
        waiter.start()
        assert not taken.wait(0.3)
    assert taken.wait(10)
    waiter.join()


def test_waiting_ends_at_its_deadline(tmp_path: Path) -> None:
    with project_lock(tmp_path, "docgenctl up"):
        started = time.monotonic()
        with pytest.raises(LockedError), project_lock(tmp_path, "docgenctl down", wait_s=0.3):
            pass
    assert 0.3 <= time.monotonic() - started < 3


def test_of_twenty_contenders_exactly_one_is_inside_at_a_time(tmp_path: Path) -> None:
    contenders = [
        subprocess.Popen(
            [sys.executable, "-c", _CONTENDER, tmp_path], stdin=subprocess.PIPE, env=_ENVIRONMENT
        )
        for _ in range(20)
    ]
    for contender in contenders:
        assert contender.stdin is not None
        contender.stdin.write(b"go\n")
        contender.stdin.close()
    assert [contender.wait(120) for contender in contenders] == [0] * 20
    assert len(set((tmp_path / "log").read_text().split())) == 20


def test_twenty_contenders_that_do_not_wait_are_all_refused_by_the_owner(tmp_path: Path) -> None:
    refused = 0
    with project_lock(tmp_path, "docgenctl up"):
        for _ in range(20):
            with contextlib.suppress(LockedError), project_lock(tmp_path, "docgenctl down"):
                break
            refused += 1
    assert refused == 20


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_lock_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with project_lock(tmp_path, "docgenctl up"):
            assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "lock").symlink_to("victim")
    with pytest.raises(RefusedError, match="it is a link"), project_lock(tmp_path, "docgenctl up"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_an_owner_that_left_no_name_is_still_respected(tmp_path: Path) -> None:
    with holder(tmp_path):
        os.truncate(tmp_path / "lock", 0)
        with (
            pytest.raises(LockedError, match="another docgenctl command is changing this stack"),
            project_lock(tmp_path, "docgenctl down"),
        ):
            pass
