import os
import resource
import socket
import time
from pathlib import Path

import pytest
from docgen_main.workspace import DeniedError, MissingError, Workspace, WorkspaceError

from tests.servers.main.conftest import SECRET, MakeWorkspace

SECRET_NAMES = """
    .env .ENV .env.local prod.env .git/config src/.git/HEAD server.key tls.PEM id_ed25519 credentials.json
    .ssh/config .aws/credentials .npmrc terraform.tfstate
"""


def read(workspace: Workspace, path: str) -> bytes:
    return workspace.read(workspace.path(path), limit=1 << 20)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def denied(workspace: Workspace, path: str) -> str:
    begun = time.monotonic()
    with pytest.raises(WorkspaceError) as refusal:
        read(workspace, path)
    assert time.monotonic() - begun < 1
    assert SECRET not in str(refusal.value)
    assert "/tmp" not in str(refusal.value)
    return refusal.value.rule


def test_a_file_inside_is_read(workspace: Workspace, root: Path) -> None:
    assert read(workspace, "src/a.txt") == b"inside\n"
    assert read(workspace, f"{root}/src/a.txt") == b"inside\n"


def test_a_missing_file_and_a_missing_directory_are_told_without_host_paths(workspace: Workspace) -> None:
    assert denied(workspace, "src/b.txt") == "missing"
    assert denied(workspace, "nowhere/b.txt") == "missing"
    assert denied(workspace, "src/a.txt/b") == "missing"


@pytest.mark.parametrize("place", ["link", "src/deep/link", "linkdir/secret", "linkdir"])
def test_a_symlink_to_outside_is_denied(workspace: Workspace, root: Path, place: str) -> None:
    (root / "src" / "deep").mkdir()
    (root / "link").symlink_to(root.parent / "outside" / "secret")
    (root / "src" / "deep" / "link").symlink_to("../../../outside/secret")
    (root / "linkdir").symlink_to(root.parent / "outside")
    assert (root / "linkdir" / "secret").read_text() == SECRET
    assert denied(workspace, place) == "symlink"


def test_a_symlink_to_inside_is_denied_too(workspace: Workspace, root: Path) -> None:
    (root / "alias").symlink_to("src/a.txt")
    assert denied(workspace, "alias") == "symlink"


def test_loops_and_long_chains_of_symlinks_are_denied_at_once(workspace: Workspace, root: Path) -> None:
    (root / "loop").symlink_to("loop")
    previous = "src/a.txt"
    for number in range(100):
        (root / f"chain{number}").symlink_to(previous)
        previous = f"chain{number}"
    begun = time.monotonic()
    assert denied(workspace, "loop") == denied(workspace, "chain99") == "symlink"
    assert time.monotonic() - begun < 0.1


@pytest.mark.parametrize("target", ["/proc/self/root", "/proc/self/fd", "/dev/fd", "/proc/self/cwd"])
def test_magic_links_are_denied(workspace: Workspace, root: Path, target: str) -> None:
    (root / "magic").symlink_to(target)
    assert denied(workspace, "magic/etc/passwd") == "symlink"
    assert denied(workspace, "magic/3") == "symlink"


def test_a_hard_link_to_a_file_outside_is_denied(workspace: Workspace, root: Path) -> None:
    os.link(root.parent / "outside" / "secret", root / "hard")
    assert denied(workspace, "hard") == "hardlink"


def test_fifos_sockets_devices_and_directories_are_no_files(workspace: Workspace, root: Path) -> None:
    os.mkfifo(root / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    try:
        os.chdir(root)  # a socket's path must be short
        listener.bind("socket")
    finally:
        os.chdir(here)
    try:
        for name in ("fifo", "socket", "src", "."):
            assert denied(workspace, name) == "special"
    finally:
        listener.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_no_file(workspace: Workspace, root: Path) -> None:
    try:
        os.mknod(root / "zero", 0o20644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert denied(workspace, "zero") == "special"


def test_a_huge_sparse_file_is_refused_by_its_size(workspace: Workspace, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(10 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert denied(workspace, "huge") == "size"
    piece, size = workspace.read_range(("huge",), 9 << 30, 1000)
    assert (len(piece), size) == (1000, 10 << 30)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_names_that_tend_to_hold_secrets_are_hidden(workspace: Workspace, root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(SECRET)
    assert denied(workspace, name) == "hidden"
    first = name.split("/")[0]
    assert first == "src" or first not in [entry.name for entry in workspace.entries(())]


@pytest.mark.parametrize(
    "name", [".env.example", ".env.mcp.template", "id_rsa.pub", "environment.py", "keyboard.md"]
)
def test_names_that_only_look_alike_are_served(workspace: Workspace, root: Path, name: str) -> None:
    (root / name).write_text("public")
    assert read(workspace, name) == b"public"


def test_pages_of_a_big_directory_join_to_the_whole_and_come_quickly(
    workspace: Workspace, root: Path
) -> None:
    for number in range(100_000):
        os.close(os.open(root / "src" / f"{number:06}", os.O_CREAT))
    begun = time.monotonic()
    first, total, more = workspace.page(("src",), count=1000)
    assert time.monotonic() - begun < 2
    assert (len(first), total, more) == (1000, 100_001, True)
    last, _, more = workspace.page(("src",), after="099990", count=1000)
    assert [entry.name for entry in last] == [f"{number:06}" for number in range(99_991, 100_000)] + ["a.txt"]
    assert not more


def test_a_big_directory_with_undecodable_names_lists_sorted(workspace: Workspace, root: Path) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(2_000):
        (many / f"{number:05}").touch()
    (Path(os.fsdecode(os.fsencode(many) + b"/\xff\xfe"))).touch()
    names = [entry.name for entry in workspace.entries(("many",))]
    assert len(names) == 2_001
    assert names == sorted(names)


def test_a_directory_with_too_many_entries_is_refused(workspace: Workspace, root: Path) -> None:
    for number in range(11):
        (root / "src" / str(number)).touch()
    with pytest.raises(DeniedError):
        workspace.entries(("src",), most=10)


def test_a_link_is_listed_as_a_link(workspace: Workspace, root: Path) -> None:
    (root / "src" / "out").symlink_to("/etc/passwd")
    entry = next(entry for entry in workspace.entries(("src",)) if entry.name == "out")
    assert (entry.kind, entry.size) == ("link", 0)


def test_descriptors_do_not_leak(workspace: Workspace, root: Path) -> None:
    (root / "link").symlink_to("/etc")
    before = open_descriptors()
    for _ in range(50):
        read(workspace, "src/a.txt")
        for path in ("link/passwd", "src/none", "src", "src/a.txt/x"):
            with pytest.raises((DeniedError, MissingError)):
                read(workspace, path)
    assert open_descriptors() == before


@pytest.mark.parametrize(
    "path",
    [("..", "outside", "secret"), ("src/../../outside", "secret"), ("/etc", "passwd"), ("", "x"), (".",)],
)
def test_a_path_that_was_never_parsed_is_denied_all_the_same(
    make_workspace: MakeWorkspace, path: tuple[str, ...]
) -> None:
    workspace = make_workspace(writable=True)
    for use in (
        lambda: workspace.read(path, limit=100),
        lambda: workspace.entries(path),
        lambda: workspace.write(path, b"x"),
        lambda: workspace.delete(path, recursive=True),
        lambda: workspace.move(path, ("x",)),
        lambda: workspace.move(("src", "a.txt"), path),
        lambda: workspace.below(path, hides=lambda _: False),
    ):
        with pytest.raises(DeniedError):
            use()
