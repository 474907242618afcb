"""The stores that need no service: files of one's own, and the environment."""

import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docgenctl.model.errors import DocgenError, RefusedError
from docgenctl.model.secret import Secret
from docgenctl.secrets.store import EnvironmentStore, FileStore, SecretStore

OTHER_UID = 10001


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def store(state_dir: Path) -> FileStore:
    return FileStore(state_dir)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond `size` bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o7777


def test_a_value_comes_back(store: FileStore) -> None:
    store.put("github-token", Secret(b"\x00binary\xff"))
    assert store.get("github-token") == Secret(b"\x00binary\xff")


def test_an_unknown_name_has_no_value(store: FileStore) -> None:
    assert store.get("github-token") is None
    store.put("other-token", Secret("x"))
    assert store.get("github-token") is None


def test_a_new_value_replaces_the_old_one(store: FileStore) -> None:
    store.put("github-token", Secret("a longer old value"))
    store.put("github-token", Secret("new"))
    assert store.get("github-token") == Secret("new")


def test_a_deleted_value_is_gone_and_may_be_deleted_again(store: FileStore) -> None:
    store.delete("github-token")
    store.put("github-token", Secret("x"))
    store.delete("github-token")
    store.delete("github-token")
    assert store.get("github-token") is None
    assert store.names() == ()


def test_names_are_sorted_and_leave_out_what_is_no_secret(store: FileStore, state_dir: Path) -> None:
    assert store.names() == ()
    for name in ("upstream-main", "github-token"):
        store.put(name, Secret("x"))
    (state_dir / "secrets" / ".upstream-main.new").write_bytes(b"")
    assert store.names() == ("github-token", "upstream-main")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_0600_and_directories_0700_under_any_umask(
    store: FileStore, state_dir: Path, mask: int
) -> None:
    with umask(mask):
        store.put("github-token", Secret("x"))
    assert mode(state_dir / "secrets") == 0o700
    assert mode(state_dir / "secrets" / "github-token") == 0o600


@pytest.mark.parametrize(
    "name", ["../x", "a/b", ".hidden", "", "x", "Upper", "a\nb", "a\0b", "a" * 66, "api-keys.json", "ab\n"]
)
def test_a_name_that_is_no_plain_name_is_refused(store: FileStore, name: str) -> None:
    for use in (store.get, store.delete, lambda it: store.put(it, Secret("x"))):
        with pytest.raises(RefusedError):
            use(name)


def test_a_link_at_the_target_is_refused_and_its_target_untouched(store: FileStore, state_dir: Path) -> None:
    store.put("other-token", Secret("x"))
    victim = state_dir / "victim"
    victim.write_bytes(b"precious")
    link = state_dir / "secrets" / "github-token"
    link.symlink_to(victim)
    with pytest.raises(RefusedError, match="symbolic link") as error:
        store.put("github-token", Secret("stolen"))
    assert f"rm {link}" in error.value.hint
    with pytest.raises(RefusedError, match="symbolic link"):
        store.get("github-token")
    assert victim.read_bytes() == b"precious"


def test_a_link_planted_as_the_temporary_file_is_not_followed(store: FileStore, state_dir: Path) -> None:
    store.put("other-token", Secret("x"))
    victim = state_dir / "victim"
    victim.write_bytes(b"precious")
    (state_dir / "secrets" / ".github-token.new").symlink_to(victim)
    store.put("github-token", Secret("mine"))
    assert victim.read_bytes() == b"precious"
    assert store.get("github-token") == Secret("mine")


def test_a_link_instead_of_the_directory_is_refused(store: FileStore, state_dir: Path) -> None:
    elsewhere = state_dir / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (state_dir / "secrets").symlink_to(elsewhere)
    for use in (
        lambda: store.put("github-token", Secret("x")),
        lambda: store.get("github-token"),
        store.names,
    ):
        with pytest.raises(RefusedError, match="symbolic link"):
            use()
    assert list(elsewhere.iterdir()) == []


def test_a_directory_or_fifo_as_a_secret_is_refused_at_once(store: FileStore, state_dir: Path) -> None:
    store.put("other-token", Secret("x"))
    os.mkfifo(state_dir / "secrets" / "a-fifo", 0o600)
    (state_dir / "secrets" / "a-directory").mkdir(mode=0o700)
    for name in ("a-fifo", "a-directory"):
        with pytest.raises(RefusedError, match="not a plain file"):
            store.get(name)
        with pytest.raises(RefusedError, match="not a plain file"):
            store.put(name, Secret("x"))


def test_a_file_that_others_can_read_is_refused_with_the_command_that_closes_it(
    store: FileStore, state_dir: Path
) -> None:
    store.put("github-token", Secret("x"))
    path = state_dir / "secrets" / "github-token"
    path.chmod(0o644)
    with pytest.raises(RefusedError, match="0644") as error:
        store.get("github-token")
    assert f"chmod 600 {path}" in error.value.hint


def test_a_directory_that_others_can_enter_is_refused(store: FileStore, state_dir: Path) -> None:
    store.put("github-token", Secret("x"))
    (state_dir / "secrets").chmod(0o755)
    with pytest.raises(RefusedError, match="0755") as error:
        store.put("github-token", Secret("y"))
    assert "chmod 700" in error.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(store: FileStore, state_dir: Path) -> None:
    store.put("github-token", Secret("x"))
    os.chown(state_dir / "secrets" / "github-token", OTHER_UID, OTHER_UID)
    with pytest.raises(RefusedError, match=f"uid {OTHER_UID}") as error:
        store.get("github-token")
    assert "chown" in error.value.hint


def test_a_disk_that_fills_up_leaves_the_old_value_and_no_rest(store: FileStore, state_dir: Path) -> None:
    store.put("github-token", Secret("old"))
    with largest_file(100), pytest.raises(RefusedError) as error:
        store.put("github-token", Secret("n" * 5000))
    assert error.value.code == "state_unwritable"
    assert store.get("github-token") == Secret("old")
    assert [path.name for path in (state_dir / "secrets").iterdir()] == ["github-token"]


def test_a_reader_meets_the_old_or_the_new_value_while_it_is_replaced(
    store: FileStore, state_dir: Path
) -> None:
    """Two processes write, this one reads: never half a value, never none."""
    values = {"a" * 2000, "b" * 2000}
    store.put("github-token", Secret("a" * 2000))
    script = """
        import sys
        from pathlib import Path
        from docgenctl.model.secret import Secret
        from docgenctl.secrets.store import FileStore
        store = FileStore(Path(sys.argv[1]))
        for _ in range(150):
            store.put("github-token", Secret(sys.argv[2] * 2000))
    """
    writers = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(state_dir), letter])
        for letter in "ab"
    ]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        value = store.get("github-token")
        assert value is not None
        assert value.reveal() in values
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert reads > 0


def test_no_error_and_no_repr_shows_a_value(store: FileStore, state_dir: Path) -> None:
    store.put("github-token", Secret("very-secret"))
    (state_dir / "secrets" / "github-token").chmod(0o666)
    with pytest.raises(DocgenError) as error:
        store.get("github-token")
    assert "very-secret" not in repr([store, error.value.message, error.value.hint, error.value.details])


def test_the_environment_gives_values_by_its_mapping() -> None:
    store: SecretStore = EnvironmentStore(
        {"GITHUB_TOKEN": " ghp_x\n", "OTHER": "y"}, {"github-token": "GITHUB_TOKEN"}
    )
    assert store.get("github-token") == Secret("ghp_x")
    assert store.get("other") is None
    assert store.names() == ("github-token",)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_variable_counts_as_absent(blank: str) -> None:
    store = EnvironmentStore({"GITHUB_TOKEN": blank}, {"github-token": "GITHUB_TOKEN"})
    assert store.get("github-token") is None
    assert store.names() == ()


def test_the_environment_is_read_only() -> None:
    store = EnvironmentStore({}, {"github-token": "GITHUB_TOKEN"})
    for use in (lambda: store.put("github-token", Secret("x")), lambda: store.delete("github-token")):
        with pytest.raises(RefusedError) as error:
            use()
        assert "GITHUB_TOKEN" in error.value.hint
