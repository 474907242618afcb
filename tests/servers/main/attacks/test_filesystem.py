"""The attack cases on files by their numbers, each through the tools that clients call.

Cases 1-15, 30 and 31 for *every* tool are in test_every_tool.py, 11 and 20 in test_racing.py and
test_killing.py, 27 in tools/test_file_search.py.
"""

import hashlib
import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docgen_main.workspace import Limits, Workspace
from mcp import Client
from structlog.testing import capture_logs

from tests.servers.main.calling import call, refused, server_on
from tests.servers.main.conftest import SECRET, MakeWorkspace

pytestmark = pytest.mark.anyio

OUT = "docs/generated"
#: each file tool, with the argument `path` to be filled in
TOOLS: dict[str, dict[str, Any]] = {
    "files_list": {},
    "files_stat": {},
    "files_read": {},
    "files_search": {"text": "a"},
    "files_write": {"content": "planted"},
    "files_edit": {"edits": [{"old": "a", "new": "b", "every": True}]},
    "files_move": {"new_path": f"{OUT}/moved.md"},
    "files_delete": {"recursive": True},
}
READING = ("files_list", "files_stat", "files_read", "files_search")


async def denied(workspace: Workspace, path: str, tools: dict[str, dict[str, Any]] = TOOLS) -> None:
    """Every tool refuses `path`: at once, with one audit line, without a host path or a byte from outside."""
    async with Client(server_on(workspace)) as client:
        for tool, more in tools.items():
            begun = time.monotonic()
            with capture_logs() as logs:
                result = await client.call_tool(tool, {"path": path, **more})
            said = str(result.content) + str(result.structured_content)
            audit = [line for line in logs if line["event"] == "denied"]
            assert result.is_error, (tool, path)
            assert SECRET not in said
            assert "/tmp" not in said.replace(path, "")
            assert [line["tool"] for line in audit] == [tool], (tool, path, said)
            assert time.monotonic() - begun < 1


@pytest.mark.parametrize("path", ["../x", "a/../../x", "src/..", f"{OUT}/../../src/a.txt"])
async def test_1_dot_dot_is_denied(workspace: Workspace, path: str) -> None:
    await denied(workspace, path)


async def test_2_an_absolute_path_is_denied_outside_and_means_the_relative_one_inside(
    workspace: Workspace, root: Path
) -> None:
    for path in ("/etc/passwd", str(root.parent / "outside" / "secret"), "/"):
        await denied(workspace, path)
    assert await call(workspace, "files_read", path=f"{root}/src/a.txt") == await call(
        workspace, "files_read", path="src/a.txt"
    )


async def test_3_a_sibling_whose_name_begins_alike_is_outside(workspace: Workspace, root: Path) -> None:
    (root.parent / "ws_2").mkdir()
    for sibling in ("ws-evil/secret", "ws_2"):
        await denied(workspace, f"{root.parent}/{sibling}")


@pytest.mark.parametrize("name", ["%2e%2e%2fx", "%252e%252e%252fx", "..\\x", "~", "file:x", "$HOME", "*"])
async def test_5_6_what_looks_encoded_or_foreign_is_a_literal_name(
    workspace: Workspace, root: Path, name: str
) -> None:
    (root / OUT / name).write_text("literal")
    assert (await call(workspace, "files_read", path=f"{OUT}/{name}"))["content"] == "literal"
    (root / OUT / name).unlink()
    if "\\" in name:
        await denied(workspace, f"{OUT}/{name}", {"files_write": TOOLS["files_write"]})
    else:
        await call(workspace, "files_write", path=f"{OUT}/{name}", content="x")
        assert (root / OUT / name).read_text() == "x"
    assert sorted(path.name for path in root.parent.iterdir() if path.is_dir()) == [
        "outside",
        "ws",
        "ws-evil",
    ]


@pytest.mark.parametrize("path", ["a\0b", f"{OUT}/a\0.md", "\0"])
async def test_7_nul_is_denied(workspace: Workspace, path: str) -> None:
    await denied(workspace, path)


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u202eb", "a\u200bb", "a ", "\ufeffa", "a\rb"])
async def test_7_names_that_do_not_show_as_they_are_are_not_made(
    workspace: Workspace, root: Path, name: str
) -> None:
    await call(workspace, "files_write", path=f"{OUT}/plain", content="x")
    await denied(workspace, f"{OUT}/{name}", {"files_write": TOOLS["files_write"]})
    await denied(workspace, f"{OUT}/{name}/x", {"files_write": TOOLS["files_write"]})
    said = await refused(workspace, "files_move", path=f"{OUT}/plain", new_path=f"{OUT}/{name}")
    assert name not in said or name == "a "
    assert [path.name for path in (root / OUT).iterdir()] == ["plain"]


async def test_8_links_to_outside_are_denied_and_deleting_one_removes_the_link_alone(
    workspace: Workspace, root: Path
) -> None:
    outside = root.parent / "outside"
    (root / OUT / "link").symlink_to(outside / "secret")
    (root / OUT / "dir").symlink_to(outside)
    await call(workspace, "files_write", path=f"{OUT}/mine", content="x")
    others = {tool: more for tool, more in TOOLS.items() if tool != "files_delete"}
    await denied(workspace, f"{OUT}/link", others)
    await denied(workspace, f"{OUT}/dir/secret")
    await denied(workspace, f"{OUT}/dir/new", {"files_write": TOOLS["files_write"]})
    for target in ("link", "dir", "dir/x"):
        await denied(
            workspace, f"{OUT}/mine", {"files_move": {"new_path": f"{OUT}/{target}", "overwrite": True}}
        )
    for name in ("link", "dir"):
        gone = await call(workspace, "files_delete", path=f"{OUT}/{name}", recursive=True)
        assert gone["names"] == 1
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == SECRET
    assert [path.name for path in (root / OUT).iterdir()] == ["mine"]


async def test_10_loops_and_chains_of_links_are_denied_at_once(workspace: Workspace, root: Path) -> None:
    (root / OUT / "loop").symlink_to("loop")
    previous = root / "src" / "a.txt"
    for number in range(100):
        (root / OUT / f"chain{number}").symlink_to(previous)
        previous = root / OUT / f"chain{number}"
    async with Client(server_on(workspace)) as client:
        for path in (f"{OUT}/loop", f"{OUT}/chain99", f"{OUT}/loop/x"):
            took = []
            for _ in range(5):  # the quickest counts: on a busy machine any one of them may have to wait
                begun = time.monotonic()
                assert (await client.call_tool("files_read", {"path": path})).is_error
                took.append(time.monotonic() - begun)
            assert min(took) < 0.1


@pytest.mark.parametrize("target", ["/proc/self/root", "/proc/self/fd", "/dev/fd", "/proc/self/cwd"])
async def test_13_magic_links_are_denied(workspace: Workspace, root: Path, target: str) -> None:
    (root / OUT / "magic").symlink_to(target)
    for path in ("magic/3", "magic/etc/passwd", "magic/0"):
        await denied(workspace, f"{OUT}/{path}")


async def test_14_a_hard_link_to_outside_is_denied_and_deleting_it_leaves_the_file(
    workspace: Workspace, root: Path
) -> None:
    os.link(root.parent / "outside" / "secret", root / OUT / "hard")
    others = ("files_stat", "files_read", "files_write", "files_edit", "files_move")
    await denied(workspace, f"{OUT}/hard", {tool: TOOLS[tool] for tool in others})
    found = await call(workspace, "files_search", text=SECRET[:7])
    assert found["hits"] == []
    assert found["left_out"] == [{"path": f"{OUT}/hard", "reason": "hardlink"}]
    await call(workspace, "files_delete", path=f"{OUT}/hard")
    assert (root.parent / "outside" / "secret").read_text() == SECRET


async def test_15_what_is_no_file_is_refused_and_never_waited_for(workspace: Workspace, root: Path) -> None:
    os.mkfifo(root / OUT / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    try:
        os.chdir(root / OUT)  # a socket's path must be short
        listener.bind("socket")
    finally:
        os.chdir(here)
    names = ["fifo", "socket"]
    if os.geteuid() == 0:
        os.mknod(root / OUT / "zero", 0o20644, os.makedev(1, 5))
        names.append("zero")
    special = {tool: more for tool, more in TOOLS.items() if tool not in ("files_list", "files_search")}
    try:
        for name in names:
            await denied(workspace, f"{OUT}/{name}", special)
            assert "not a directory" in await refused(workspace, "files_list", path=f"{OUT}/{name}")
        assert (await call(workspace, "files_search", text="a"))["left_out"] == []
    finally:
        listener.close()
    for tool in ("files_read", "files_write", "files_edit"):
        assert "directory" in await refused(workspace, tool, path=OUT, **TOOLS[tool])


async def test_16_a_sparse_file_of_10_gib_is_refused_by_its_size(workspace: Workspace, root: Path) -> None:
    with (root / OUT / "huge").open("wb") as file:
        file.truncate(10 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    status = await call(workspace, "files_stat", path=f"{OUT}/huge")
    assert (status["bytes"], status["sha256"]) == (10 << 30, None)
    await denied(workspace, f"{OUT}/huge", {"files_edit": TOOLS["files_edit"]})
    said = await refused(workspace, "files_write", path=f"{OUT}/huge", content="x", expected_sha256="0" * 64)
    assert "too big to be hashed" in said
    found = await call(workspace, "files_search", text="a")
    assert [item["path"] for item in found["left_out"]] == [f"{OUT}/huge"]
    piece = await call(workspace, "files_read", path=f"{OUT}/huge", offset=9 << 30, limit=10)
    assert piece["bytes"] == 10
    assert time.monotonic() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


async def test_18_quotas_of_bytes_and_names_hold_while_others_go_on(
    make_workspace: MakeWorkspace, root: Path
) -> None:
    workspace = make_workspace(limits=Limits(output_bytes=10_000, output_files=50))
    assert "quota" in await refused(workspace, "files_write", path=f"{OUT}/big", content="x" * 10_001)
    async with Client(server_on(workspace)) as greedy, Client(server_on(workspace)) as other:
        failed = 0
        for number in range(40):
            result = await greedy.call_tool("files_write", {"path": f"{OUT}/d{number}/f", "content": ""})
            failed += result.is_error
            if result.is_error:
                assert "quota" in str(result.content)
            assert not (await other.call_tool("files_read", {"path": "src/a.txt"})).is_error
        assert failed == 15, "a directory and a file each, 50 names in all"
    assert sum(1 for _ in (root / OUT).rglob("*")) == 50


@pytest.fixture
def small_disk(root: Path, tmp_path: Path) -> Iterator[Path]:
    """The output folder on an ext4 of 1 MiB in a file."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    make = ["mkfs.ext4", "-q", "-O", "^has_journal", "-N", "32", str(image)]
    mount = ["mount", "-o", "loop", str(image), str(root / OUT)]
    for command in (make, mount):
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("file systems cannot be mounted here")
    (root / OUT / "lost+found").rmdir()
    yield root / OUT
    subprocess.run(["umount", str(root / OUT)], check=True)


async def test_19_a_full_disk_keeps_what_was_there_and_recovers_unaided(
    workspace: Workspace, small_disk: Path
) -> None:
    old = "old" * 1000
    await call(workspace, "files_write", path=f"{OUT}/x", content=old)
    for tool, more in {
        "files_write": {"content": "n" * (2 << 20)},
        "files_edit": {"edits": [{"old": "old", "new": "n" * 2_000, "every": True}]},
    }.items():
        assert "disk is full" in await refused(workspace, tool, path=f"{OUT}/x", **more)
        assert (small_disk / "x").read_text() == old
        assert [path.name for path in small_disk.iterdir()] == ["x"]
    assert (await call(workspace, "files_read", path=f"{OUT}/x"))["content"] == old
    await call(workspace, "files_write", path=f"{OUT}/x", content="new")


async def test_19_a_disk_without_inodes_is_named_and_recovers_too(
    workspace: Workspace, small_disk: Path
) -> None:
    await call(workspace, "files_write", path=f"{OUT}/x", content="old")
    made = 0
    async with Client(server_on(workspace)) as client:
        while not (
            result := await client.call_tool("files_write", {"path": f"{OUT}/f{made}", "content": ""})
        ).is_error:
            made += 1
    assert "disk is full" in str(result.content)
    assert 4 < made < 32
    assert "disk is full" in await refused(workspace, "files_write", path=f"{OUT}/x", content="new")
    assert (small_disk / "x").read_text() == "old"
    await call(workspace, "files_delete", path=f"{OUT}/f0")
    await call(workspace, "files_write", path=f"{OUT}/x", content="new")
    assert not list(small_disk.glob(".docgen-part-*"))


@pytest.mark.parametrize("path", ["x" * 256, "é" * 128, "a/" * 2_048 + "x", "a/" * 5_000 + "x", "x" * 4_097])
async def test_23_names_and_paths_beyond_the_limits_end_in_a_clean_error(
    workspace: Workspace, path: str
) -> None:
    await denied(workspace, path)
    await denied(workspace, f"{OUT}/{path}")


async def test_24_a_read_only_disk_is_named_and_reading_goes_on(workspace: Workspace, root: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "small", str(root / OUT)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        (root / OUT / "x").write_text("a")
        (root / OUT / "d").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(root / OUT)], check=True)
        for tool in ("files_write", "files_edit", "files_move", "files_delete"):
            assert "read-only" in await refused(workspace, tool, path=f"{OUT}/x", **TOOLS[tool])
        assert "read-only" in await refused(workspace, "files_delete", path=f"{OUT}/d")
        for tool in READING:
            await call(workspace, tool, path=OUT if tool in ("files_list", "files_search") else f"{OUT}/x",
                       **TOOLS[tool])  # fmt: skip
    finally:
        subprocess.run(["umount", str(root / OUT)], check=True)


@pytest.mark.parametrize("count", [1_500, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_26_a_big_directory_with_undecodable_names_comes_in_pages_that_join(
    workspace: Workspace, root: Path, count: int
) -> None:
    folder = os.fsencode(root / "src")
    for number in range(count):
        os.close(os.open(folder + b"/%06d\xff" % number, os.O_CREAT))
    names, cursor = [], None
    async with Client(server_on(workspace)) as client:
        while not names or cursor:
            result = await client.call_tool("files_list", {"path": "src", "limit": 1000, "cursor": cursor})
            page = result.structured_content
            assert page is not None, result.content
            names += [entry["name"] for entry in page["entries"]]
            cursor = page["next_cursor"]
    assert names == [f"{number:06}\\xff" for number in range(count)] + ["a.txt"]


@pytest.mark.parametrize("name", ["-rf", "--output=x", "-", "--", "-e", "a b", "'; touch x;'", "$(touch x)"])
async def test_28_names_that_look_like_options_or_commands_are_names(
    workspace: Workspace, root: Path, name: str
) -> None:
    await call(workspace, "files_write", path=f"{OUT}/{name}", content="a")
    await call(workspace, "files_edit", path=f"{OUT}/{name}", edits=[{"old": "a", "new": "b"}])
    assert (await call(workspace, "files_read", path=f"{OUT}/{name}"))["content"] == "b"
    await call(workspace, "files_move", path=f"{OUT}/{name}", new_path=f"{OUT}/d/{name}")
    assert [hit["path"] for hit in (await call(workspace, "files_search", text="b", path=OUT))["hits"]] == [
        f"{OUT}/d/{name}"
    ]
    await call(workspace, "files_delete", path=f"{OUT}/d/{name}")
    assert list((root / OUT / "d").iterdir()) == []
    assert list((root / "src").iterdir()) == [root / "src" / "a.txt"]


@pytest.mark.parametrize(
    "name", [".env", ".env.local", ".git/config", "id_rsa", "tls.key", ".aws/credentials", ".docgen-part-1"]
)
async def test_30_hidden_names_are_denied_unlisted_and_unfound_even_when_writable(
    make_workspace: MakeWorkspace, root: Path, name: str
) -> None:
    workspace = make_workspace(writable=True)
    for place in (root / name, root / OUT / name):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(SECRET)
    await denied(workspace, name)
    await denied(workspace, f"{OUT}/{name}")
    await call(workspace, "files_write", path="mine", content="x")
    await denied(workspace, "mine", {"files_move": {"new_path": name, "overwrite": True}})
    shown = str(await call(workspace, "files_list")) + str(await call(workspace, "files_list", path=OUT))
    assert name.split("/")[0] not in shown
    assert (await call(workspace, "files_search", text=SECRET[:7]))["hits"] == []
    assert hashlib.sha256((root / name).read_bytes()).hexdigest() not in shown
    assert (root / name).read_text() == (root / OUT / name).read_text() == SECRET
