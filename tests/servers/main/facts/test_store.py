import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_main.facts import Budget, FactsStore, Project, StoppedError, sources
from docgen_main.facts.reading import FileFacts, FileName, read_facts
from docgen_main.facts.store import Seen
from docgen_main.workspace import Entry, Workspace

from tests.servers.main.conftest import write_files

FILES = {
    "app/__init__.py": "from .core import Box\n",
    "app/core.py": "class Box:\n    def open(self): ...\n",
    "lib/a.ts": "export function f(x: number): string { return ''; }\n",
}


class Counter:
    """Counts the files that are really read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []

        def counting(name: FileName, content: bytes) -> FileFacts:
            self.paths.append(name.path)
            return read_facts(name, content)

        monkeypatch.setattr(sources, "read_facts", counting)

    def taken(self) -> list[str]:
        paths, self.paths = self.paths, []
        return sorted(paths)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "ws"
    write_files(root, FILES)
    workspace = Workspace(str(root), "docs/generated")
    yield workspace
    workspace.close()


def names(workspace: Workspace, store: FactsStore) -> list[str]:
    return [symbol.name for module in Project(workspace, store=store).modules for symbol in module.symbols]


@pytest.mark.parametrize("kept", ["memory", "disk"])
def test_a_file_is_read_again_only_when_its_content_changed(
    workspace: Workspace, read: Counter, tmp_path: Path, kept: str
) -> None:
    store = FactsStore(str(tmp_path / "facts") if kept == "disk" else "")
    assert names(workspace, store) == ["Box", "Box", "f"]
    assert read.taken() == sorted(FILES)
    if kept == "disk":
        store.close()
        store = FactsStore(str(tmp_path / "facts"))
    assert names(workspace, store) == ["Box", "Box", "f"]
    assert read.taken() == []
    write_files(tmp_path / "ws", {"app/core.py": "class Lid: ...\nclass Box: ...\n"})
    assert names(workspace, store) == ["Box", "Lid", "Box", "f"]
    assert read.taken() == ["app/core.py"]
    write_files(tmp_path / "ws", {"app/core.py": FILES["app/core.py"]})
    os.utime(tmp_path / "ws" / "app/core.py", (1, 1))
    assert names(workspace, store) == ["Box", "Box", "f"]
    assert read.taken() == []
    store.close()


def test_a_file_that_is_renamed_or_becomes_part_of_a_package_is_read_by_its_new_name(
    workspace: Workspace, read: Counter, tmp_path: Path
) -> None:
    store = FactsStore()
    names(workspace, store)
    read.taken()
    (tmp_path / "ws" / "app" / "core.py").rename(tmp_path / "ws" / "app" / "heart.py")
    write_files(tmp_path / "ws", {"app/__init__.py": "from .heart import Box\n"})
    assert [m.name for m in Project(workspace, store=store).modules] == ["app", "app.heart", "lib/a.ts"]
    assert read.taken() == ["app/__init__.py", "app/heart.py"]


def test_files_that_look_the_same_are_not_opened(workspace: Workspace, tmp_path: Path) -> None:
    entry = Entry("a", "file", 1, 1.0, (1, 1, 10**18, 10**18))
    assert Seen(entry.stamp, 3 * 10**18, "", 0).is_still(entry)
    assert not Seen(entry.stamp, 10**18 + 10**9, "", 0).is_still(entry), "its clock could not tell"
    changed = Entry("a", "file", 1, 1.0, (1, 1, 10**18, 10**18 + 1))
    assert not Seen(entry.stamp, 3 * 10**18, "", 0).is_still(changed)
    store = FactsStore()
    first = Project(workspace, store=store).inventory
    later = time.time_ns() + 10**10
    store.remember({path: Seen(s.stamp, later, s.sha256, s.lines) for path, s in store.seen.items()})
    budget = Budget(read_bytes=0)  # nothing may be read
    assert Project(workspace, budget, store).inventory == first


@pytest.mark.parametrize("damage", ["rubbish", "empty", "wrong table", "wrong values", "folder is a file"])
def test_a_damaged_store_costs_time_alone(
    workspace: Workspace, read: Counter, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "facts"
    store = FactsStore(str(folder))
    names(workspace, store)
    store.close()
    read.taken()
    file = folder / "facts.sqlite"
    if damage == "rubbish":
        file.write_bytes(b"rubbish" * 1000)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "folder is a file":
        file.unlink()
        folder.rmdir()
        folder.write_text("")
    else:
        statement = "UPDATE kept SET value = x'00'" if damage == "wrong values" else "DROP TABLE kept"
        with sqlite3.connect(file) as connection:
            connection.execute(statement)
            if damage == "wrong table":
                connection.execute("CREATE TABLE kept (other)")
    store = FactsStore(str(folder))
    assert names(workspace, store) == ["Box", "Box", "f"]
    assert read.taken() == sorted(FILES)
    assert names(workspace, store) == ["Box", "Box", "f"]
    assert read.taken() == []
    store.close()


def test_memory_and_disk_are_bounded(tmp_path: Path) -> None:
    store = FactsStore(str(tmp_path), memory_bytes=20_000, disk_bytes=100_000)
    for number in range(300):
        facts = FileFacts(problem=os.urandom(1_000).hex())
        store.save({number.to_bytes(32, "big"): facts})
    with sqlite3.connect(tmp_path / "facts.sqlite") as connection:
        (used,) = connection.execute("SELECT sum(length(value)) FROM kept").fetchone()
    assert 50_000 < used <= 100_000
    assert (tmp_path / "facts.sqlite").stat().st_size <= 200_000
    assert store._memory.used <= 20_000
    newest = (299).to_bytes(32, "big")
    assert list(store.load([newest, (0).to_bytes(32, "big")])) == [newest]
    store.close()


def test_what_was_read_until_a_stop_is_kept(
    workspace: Workspace, read: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, budget = FactsStore(), Budget()
    counting = sources.read_facts

    def stopping(name: FileName, content: bytes) -> FileFacts:
        budget.stop()
        return counting(name, content)

    monkeypatch.setattr(sources, "read_facts", stopping)
    with pytest.raises(StoppedError):
        _ = Project(workspace, budget, store).modules
    assert len(read.taken()) == 1
    monkeypatch.setattr(sources, "read_facts", counting)
    names(workspace, store)
    assert len(read.taken()) == len(FILES) - 1


def test_several_threads_use_one_store(workspace: Workspace, tmp_path: Path) -> None:
    store = FactsStore(str(tmp_path / "facts"), memory_bytes=0)
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.extend(names(workspace, store) for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [["Box", "Box", "f"]] * 20
    store.close()
