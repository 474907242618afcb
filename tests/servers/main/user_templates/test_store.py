"""The store under kills, full disks, many writers and damage: the last good version is always there."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from docgen_main.user_templates import (
    ChangedTemplateError,
    RefusedTemplateError,
    Store,
    StoreLimits,
    TemplateError,
    UnknownTemplateError,
)
from docgen_main.workspace import writing

WRITER = """
import sys; sys.path[:] = {path!r}
from docgen_main.user_templates import Store
store = Store({folder!r})
print("ready", flush=True)
number = 0
while True:
    number += 1
    store.add("t", chr(97 + number % 26) * 60_000, expected=None)
    store.add("u%d" % (number % 3), "x", expected=None)
    store.remove("u%d" % (number % 3), expected=None)
"""


def check_whole(store: Store) -> int:
    """Every version of every template is whole, and nothing else is listed; returns the last of `t`."""
    for name in store.names():
        for number in store.numbers(name):
            source = store.read(name, number).source
            assert source == "x" or (len(source) == 60_000 and len(set(source)) == 1)
    return store.numbers("t")[-1] if "t" in store.names() else 0


def kill_while_writing(folder: Path, times: int) -> None:
    code = WRITER.format(path=sys.path, folder=str(folder))
    last = 0
    for turn in range(times):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(0.013 * (turn % 7))
            writer.send_signal(signal.SIGKILL)
        store = Store(str(folder))
        store.sweep()
        now = check_whole(store)
        assert now >= last
        last = now
        assert not [entry for entry in folder.rglob("*") if entry.name.startswith(writing.PART_PREFIX)]
        store.close()
    assert last > 0


def test_a_kill_while_writing_leaves_whole_versions(tmp_path: Path) -> None:
    kill_while_writing(tmp_path / "templates", 4)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_a_kill_while_writing_leaves_whole_versions_a_thousand_times(tmp_path: Path) -> None:
    kill_while_writing(tmp_path / "templates", 1_000)


def test_of_many_writers_at_once_one_wins_each_version(tmp_path: Path) -> None:
    store, other = Store(str(tmp_path / "t")), Store(str(tmp_path / "t"))
    won: list[int] = []

    def write(which: Store, number: int) -> None:
        for version in range(10):
            try:
                won.append(which.add("t", f"{number}", expected=version).number)
            except ChangedTemplateError:
                continue

    threads = [threading.Thread(target=write, args=((store, other)[n % 2], n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == store.numbers("t")
    assert len(set(won)) == len(won)


def test_the_oldest_versions_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "t"), StoreLimits(versions=3))
    for number in range(5):
        store.add("t", f"text {number}", expected=number)
    assert store.numbers("t") == [3, 4, 5]
    with pytest.raises(UnknownTemplateError, match="kept are 3 to 5"):
        store.read("t", 1)


def test_quotas_refuse_what_is_new_and_keep_what_is_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "t"), StoreLimits(templates=2, bytes=2_000))
    store.add("a", "a", expected=0)
    store.add("b", "b", expected=0)
    with pytest.raises(RefusedTemplateError, match="which is the quota"):
        store.add("c", "c", expected=0)
    with pytest.raises(RefusedTemplateError, match="more than 2000 bytes"):
        store.add("a", "x" * 3_000, expected=None)
    assert (store.names(), store.read("a").source) == (["a", "b"], "a")


def test_a_full_disk_keeps_the_last_version_and_leaves_no_part(
    tmp_path: Path,
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        store = Store(str(tmp_path / "templates"))
        store.add("t", "good", expected=0)
        with pytest.raises(TemplateError, match="the disk is full") as refusal:
            store.add("t", "x" * 120_000, expected=1)
        assert str(tmp_path) not in str(refusal.value)
        assert store.read("t").source == "good"
        assert store.add("t", "again", expected=1).number == 2
        assert sorted(os.listdir(tmp_path / "templates" / "t")) == ["000001.json", "000002.json"]  # noqa: PTH208
        store.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_damaged_version_is_told_and_does_not_hide_the_others(store: Store, tmp_path: Path) -> None:
    store.add("t", "one", expected=0)
    store.add("t", "two", expected=1)
    for damage in (b"", b"{", b"[]", b'{"format": 2}', json.dumps({"format": 1}).encode(), b"\xff"):
        (tmp_path / "templates" / "t" / "000002.json").write_bytes(damage)
        with pytest.raises(TemplateError, match="version 2 of template 't' is damaged"):
            store.read("t")
        assert store.read("t", 1).source == "one"


def test_links_and_strange_files_in_the_store_are_not_followed(store: Store, tmp_path: Path) -> None:
    store.add("t", "one", expected=0)
    (tmp_path / "secret.json").write_text(json.dumps({"format": 1, "source": "canary"}))
    (tmp_path / "templates" / "t" / "000002.json").symlink_to(tmp_path / "secret.json")
    (tmp_path / "templates" / "link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "templates" / "t" / "000003.json")
    (tmp_path / "templates" / "README").write_text("x")
    assert store.names() == ["t"]
    assert (store.numbers("t"), store.read("t").source) == ([1], "one")
