import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.project import Project
from docgenctl.model.secret import Secret
from docgenctl.model.state import State
from docgenctl.state.private_file import write_private
from docgenctl.state.store import StateStore, open_state

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which root may do")


@pytest.fixture
def store(project: Project, environ: dict[str, str]) -> StateStore:
    return open_state(project, environ)


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
    store.write_secret_file("api-key", Secret("dgk_x"))
    store.write_text("certificates/deep/ca.pem", "pem")
    assert {str(path.relative_to(store.path)): mode(path) for path in store.path.rglob("*")} == {
        "state.json": 0o600,
        "api-key": 0o600,
        "certificates": 0o700,
        "certificates/deep": 0o700,
        "certificates/deep/ca.pem": 0o600,
    }


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


def test_secrets_are_read_as_secrets(store: StateStore) -> None:
    assert store.read_secret_file("api-key") is None
    path = store.write_secret_file("api-key", Secret("dgk_x"))
    assert path == store.path / "api-key"
    assert store.read_secret_file("api-key") == Secret("dgk_x")
    assert path.read_bytes() == b"dgk_x"
    store.remove("api-key")
    store.remove("api-key")
    assert store.read_secret_file("api-key") is None


def test_a_link_in_a_files_place_is_refused_and_its_target_untouched(
    store: StateStore, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    target.chmod(0o600)
    for name in ("api-key", "state.json"):
        (store.path / name).symlink_to(target)
    with pytest.raises(RefusedError, match="is a link"):
        store.write_secret_file("api-key", Secret("dgk_x"))
    with pytest.raises(RefusedError, match="is a link"):
        store.read_secret_file("api-key")
    with pytest.raises(RefusedError, match="is a link"):
        store.write(State())
    with pytest.raises(RefusedError, match="is a link"):
        store.read()
    assert target.read_text() == "precious"


def test_a_link_in_a_directorys_place_is_refused(store: StateStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (store.path / "certificates").symlink_to(tmp_path / "outside")
    with pytest.raises(RefusedError, match="is a link"):
        store.write_text("certificates/ca.pem", "pem")
    with pytest.raises(RefusedError, match="is a link"):
        store.read_text("certificates/ca.pem")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "/etc/passwd", "a/../../x", "a//b", ".hidden", "a\0", "a\n"]
)
def test_a_name_that_leaves_the_directory_is_no_name(store: StateStore, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a state file"):
        store.write_text(name, "x")


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o666])
def test_a_secret_that_others_may_read_is_refused_with_the_remedy(store: StateStore, bits: int) -> None:
    path = store.write_secret_file("api-key", Secret("dgk_x"))
    path.chmod(bits)
    with pytest.raises(RefusedError, match="open to others") as caught:
        store.read_secret_file("api-key")
    subprocess.run(caught.value.hint.split(), check=True)
    assert store.read_secret_file("api-key") == Secret("dgk_x")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_without_blocking(store: StateStore, make: object) -> None:
    assert callable(make)
    make(store.path / "api-key")
    with pytest.raises(RefusedError, match="no regular file"):
        store.read_secret_file("api-key")
    with pytest.raises(RefusedError, match="no regular file"):
        store.write_secret_file("api-key", Secret("dgk_x"))


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


def test_leftovers_of_killed_writers_are_swept_once_they_are_old(store: StateStore) -> None:
    old, young = store.path / ".state.json.0.tmp", store.path / ".state.json.1.tmp"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    store.write(State())
    assert not old.exists()
    assert young.exists()
