import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.files.private_files import write_private
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.project import Project
from docgenctl.model.state import State
from docgenctl.state.directory import state_directory
from docgenctl.state.store import StateStore

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which root may do")


@pytest.fixture
def store(project: Project, environ: dict[str, str]) -> StateStore:
    return StateStore(state_directory(project, environ))


@pytest.fixture(params=[0o000, 0o077, 0o777], ids="umask {:04o}".format)
def any_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_nothing_written_yet_reads_as_an_empty_state(store: StateStore) -> None:
    assert store.read() == State()
    assert list(store.path.iterdir()) == []


def test_what_was_written_is_read_again(store: StateStore) -> None:
    state = State(
        project="app", ports={"main": 3200}, subnets={"mcp-main": "10.0.0.0/28"}, last_good={"a": [1]}
    )
    store.write(state)
    assert store.read() == state
    assert [path.name for path in store.path.iterdir()] == ["state.json"]


def test_keys_of_newer_versions_are_kept(store: StateStore) -> None:
    write_private(store.path / "state.json", b'{"version": 1, "later": {"x": 1}}')
    store.write(store.read().model_copy(update={"project": "app"}))
    assert b'"later"' in (store.path / "state.json").read_bytes()


@pytest.mark.usefixtures("any_umask")
def test_every_file_is_private_whatever_the_umask(store: StateStore) -> None:
    store.write(State())
    assert {path.name: mode(path) for path in store.path.iterdir()} == {"state.json": 0o600}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"ports": 3}', b"\xff\xfe", b'{"version": 1} trailing']
)
def test_a_damaged_file_is_told_and_left_as_it_is(store: StateStore, content: bytes) -> None:
    path = store.path / "state.json"
    write_private(path, content)
    with pytest.raises(ConfigurationError, match="is damaged") as caught:
        store.read()
    assert caught.value.hint.startswith(f"move it aside: mv {path} {path}.damaged")
    assert path.read_bytes() == content


def test_a_file_of_a_newer_layout_is_refused(store: StateStore) -> None:
    write_private(store.path / "state.json", b'{"version": 2}')
    with pytest.raises(ConfigurationError, match="newer docgenctl"):
        store.read()


@needs_root
def test_a_full_disk_keeps_the_old_state(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", small], check=True)
    try:
        store = StateStore(small)
        store.write(State(project="old"))
        with pytest.raises(RefusedError, match="its old content is intact") as caught:
            store.write(State(project="x" * 200_000))
        assert store.read().project == "old"
        assert [path.name for path in small.iterdir()] == ["state.json"]
    finally:
        subprocess.run(["umount", small], check=True)
    assert caught.value.code == "state_unwritable"


_WRITER = """
import sys
from pathlib import Path
from docgenctl.model.state import State
from docgenctl.state.directory import state_directory
from docgenctl.state.store import StateStore
store = StateStore(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for word in "ab":
        store.write(State(project=word * 50_000))
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_state(store: StateStore) -> None:
    store.write(State(project="a" * 50_000))
    for _ in range(15):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, store.path],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            for _ in range(20):  # reads while it writes see a whole state as well
                assert store.read().project in ("a" * 50_000, "b" * 50_000)
            writer.send_signal(signal.SIGKILL)
        assert store.read().project in ("a" * 50_000, "b" * 50_000)
