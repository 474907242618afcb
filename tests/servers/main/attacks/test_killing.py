"""Attack case 20: kill -9 while tools overwrite, edit and move a file."""

import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.main.attacks.killed_server import HERE, SIZE, THERE
from tests.servers.main.conftest import MakeWorkspace

SOURCES = Path(__file__).parents[4] / "server_images"
WHOLE = (b"a" * SIZE, b"b" * SIZE)


@pytest.fixture
def workers(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that starts a worker for each line it is given, and answers with its id."""
    path = os.pathsep.join(str(SOURCES / name / "src") for name in ("main", "common"))
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed_server.py")), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def kill_one(workers: subprocess.Popen[str], after: float) -> None:
    """Let a worker begin, and kill it `after` seconds of work."""
    assert workers.stdin is not None
    assert workers.stdout is not None
    workers.stdin.write("one\n")
    workers.stdin.flush()
    handle = os.pidfd_open(int(workers.stdout.readline()))
    try:
        ended, _, _ = select.select([handle], [], [], after)
        assert not ended, "the worker ended by itself"
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        ended, _, _ = select.select([handle], [], [], 10)
        assert ended
    finally:
        os.close(handle)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [8, pytest.param(1_000, marks=pytest.mark.soak)])
def test_20_a_kill_leaves_one_whole_file_old_or_new_and_leftovers_are_swept(
    root: Path, make_workspace: MakeWorkspace, workers: subprocess.Popen[str], kills: int
) -> None:
    chance = random.Random(20)
    here, there = root / HERE, root / THERE
    there.parent.mkdir()
    here.write_bytes(WHOLE[0])
    seen: Counter[str] = Counter()
    while seen["kills"] < kills or (not seen["leftovers"] and seen["kills"] < 10 * kills):
        seen["kills"] += 1
        kill_one(workers, chance.uniform(0, 0.03))
        found = {place: place.read_bytes() for place in (here, there) if place.exists()}
        assert found, "the file is gone"
        for place, content in found.items():
            assert content in WHOLE, "torn"
            seen[f"{place.name} of {chr(content[0])}"] += 1
        seen["leftovers"] += len(list((root / "docs/generated").rglob(".docgen-part-*")))
        make_workspace().sweep()
        assert {path.name for path in (root / "docs/generated").rglob("*")} <= {"x", "d", "y"}
    print(f"{dict(seen)}, 0 torn")  # noqa: T201 - the figures that a soak is run for
    assert seen["leftovers"] > 0, "no kill ever hit a write: the test proves nothing"
