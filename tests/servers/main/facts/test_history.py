import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from docgen_main.facts import Budget
from docgen_main.facts.history import read_history
from docgen_main.facts.model import History
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import SECRET, write_files
from tests.servers.main.documents.repositories import commit


def history(root: Path, most: int = 2_000) -> History:
    workspace = Workspace(str(root), "docs/generated")
    try:
        return read_history(workspace, Budget(), most=most)
    finally:
        workspace.close()


def git(root: Path, *arguments: str) -> str:
    # a home of its own: nobody's configuration may change what the test makes
    environment = {**os.environ, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=Ada", "-c", "user.email=a@example.org", "-c", "safe.directory=*"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, env=environment, capture_output=True, check=True, text=True
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Forty commits made by git itself, some tags of both kinds."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "trunk")
    for number in range(40):
        (root / "a.txt").write_text("\n".join(f"line {n} of {number}" for n in range(200)))
        git(root, "add", "a.txt")
        git(root, "commit", "-q", "-m", f"Change {number}\n\nBody of {number}")
        if number == 10:
            git(root, "tag", "v1")
        if number == 20:
            git(root, "tag", "-a", "v2", "-m", "annotated")
            git(root, "tag", "group/nested")
    return root


def expected(root: Path) -> list[tuple[str, str]]:
    return [(line[:40], line[41:]) for line in git(root, "log", "--format=%H %s").splitlines()]


@pytest.mark.parametrize("packed", ["loose", "packed", "packed without reuse"])
def test_commits_and_tags_are_the_ones_git_shows(repository: Path, packed: str) -> None:
    if packed != "loose":
        git(repository, "gc", "-q", "--aggressive", "--prune=now")
        assert list((repository / ".git" / "objects" / "pack").glob("*.pack"))
    if packed == "packed without reuse":
        git(repository, "repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50")
    found = history(repository)
    # commits of one second have no order of their own
    assert sorted((c.id, c.subject) for c in found.commits) == sorted(expected(repository))
    assert found.commits[0].id == expected(repository)[0][0]
    assert found.branch == "trunk"
    assert found.complete
    assert found.commits[0].body == "Body of 39"
    by_name = {name: mark for mark, names in found.tags.items() for name in names}
    assert set(by_name) == {"v1", "v2", "group/nested"}
    assert by_name["v2"] == git(repository, "rev-parse", "v2^{commit}").strip()


def test_only_as_many_commits_are_read_as_asked_for(repository: Path) -> None:
    found = history(repository, most=5)
    assert len(found.commits) == 5
    assert not found.complete


def test_a_shallow_clone_is_read_to_its_edge(repository: Path, tmp_path: Path) -> None:
    git(repository, "clone", "-q", "--depth", "3", f"file://{repository}", str(tmp_path / "shallow"))
    found = history(tmp_path / "shallow")
    assert [c.subject for c in found.commits] == ["Change 39", "Change 38", "Change 37"]
    assert not found.complete


def test_a_detached_head_has_commits_but_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "v1")
    found = history(repository)
    assert found.branch == ""
    assert len(found.commits) == 11


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_repository_of_another_user_is_read(repository: Path) -> None:
    for folder, _, files in os.walk(repository):
        os.chown(folder, 12345, 12345)
        for name in files:
            os.chown(Path(folder) / name, 12345, 12345)
    assert len(history(repository).commits) == 40


def test_no_configuration_hook_or_alternate_of_the_repository_has_an_effect(
    repository: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "executed"
    configuration = repository / ".git" / "config"
    configuration.write_text(
        configuration.read_text()
        + f'[core]\n\tfsmonitor = "touch {trace}"\n\tworktree = /etc\n\tsshCommand = "touch {trace}"\n'
        + "[include]\n\tpath = /etc/passwd\n[extensions]\n\tunknown = true\n"
    )
    shutil.copytree(repository / ".git" / "objects", tmp_path / "elsewhere")
    (repository / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "objects" / "info" / "alternates").write_text(str(tmp_path / "elsewhere"))
    assert len(history(repository).commits) == 40
    head = expected_head(repository)
    (repository / ".git" / "objects" / head[:2] / head[2:]).unlink()
    assert history(repository).problem == "the commit at HEAD cannot be read"
    assert not trace.exists()


def expected_head(root: Path) -> str:
    return (root / ".git" / "refs" / "heads" / "trunk").read_text().strip()


@pytest.mark.parametrize("place", ["HEAD", "packed-refs", "refs/heads/trunk", "refs/tags/leak", "objects"])
def test_links_inside_the_repository_lead_nowhere(repository: Path, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    target = repository / ".git" / place
    if target.is_dir():
        shutil.move(target, outside / "objects")
        target.symlink_to(outside / "objects")
    else:
        target.unlink(missing_ok=True)
        target.symlink_to(outside / "secret")
    found = history(repository)
    assert SECRET not in repr(found)
    assert (found.commits == ()) is (place in ("HEAD", "refs/heads/trunk", "objects"))


@pytest.mark.parametrize(
    "head",
    [b"", b"ref: ../../etc/passwd", b"ref: refs/heads/../../../x", b"\xff" * 40, b"0" * 40, b"ref: refs//x"],
)
def test_an_odd_head_is_an_empty_history(repository: Path, head: bytes) -> None:
    (repository / ".git" / "HEAD").write_bytes(head)
    assert history(repository).commits == ()


def test_an_object_that_inflates_to_gigabytes_is_refused(repository: Path) -> None:
    head = expected_head(repository)
    target = repository / ".git" / "objects" / head[:2] / head[2:]
    target.chmod(0o600)
    machine = zlib.compressobj(9)
    packed = machine.compress(b"commit 1000000000\0") + b"".join(
        machine.compress(b"x" * (1 << 20)) for _ in range(64)
    )
    target.write_bytes(packed + machine.flush())
    assert target.stat().st_size < 1 << 20
    assert "damaged" in history(repository).problem


def test_a_damaged_pack_is_named_and_never_raises(repository: Path) -> None:
    git(repository, "gc", "-q", "--prune=now")
    pack = next((repository / ".git" / "objects" / "pack").glob("*.pack"))
    pack.chmod(0o600)
    content = pack.read_bytes()
    for position in range(12, len(content), max(1, len(content) // 200)):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        pack.write_bytes(bytes(damaged))
        history(repository)
    pack.write_bytes(content[: len(content) // 3])
    history(repository)


def test_a_damaged_index_never_raises(repository: Path) -> None:
    git(repository, "gc", "-q", "--prune=now")
    index = next((repository / ".git" / "objects" / "pack").glob("*.idx"))
    index.chmod(0o600)
    content = index.read_bytes()
    for position in range(0, len(content), max(1, len(content) // 200)):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        index.write_bytes(bytes(damaged))
        history(repository)
    index.write_bytes(content[:500])
    history(repository)


def test_a_worktree_file_or_an_empty_folder_is_no_repository(tmp_path: Path) -> None:
    assert history(tmp_path) == History()
    write_files(tmp_path, {".git": "gitdir: /somewhere/else\n"})
    assert history(tmp_path).commits == ()


def test_a_repository_made_by_dulwich_is_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "1"})
    commit(tmp_path, "One", tag="v1")
    found = history(tmp_path)
    assert [c.subject for c in found.commits] == ["One"]
    assert list(found.tags.values()) == [("v1",)]
