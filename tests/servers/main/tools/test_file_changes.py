import hashlib
from pathlib import Path
from typing import Any

import pytest
from docgen_main.events import Hub
from docgen_main.workspace import Limits, Workspace

from tests.servers.main.calling import call, refused
from tests.servers.main.conftest import MakeWorkspace

pytestmark = pytest.mark.anyio

NOTE = "docs/generated/note.md"


@pytest.fixture
def note(root: Path) -> Path:
    place = root / NOTE
    place.write_text("alpha beta\nbeta gamma\n")
    return place


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_edits_are_made_in_order_each_on_what_the_last_left(workspace: Workspace, note: Path) -> None:
    edited = await call(
        workspace, "files_edit", path=NOTE, expected_sha256=sha256(note.read_text()),
        edits=[{"old": "alpha", "new": "größer"}, {"old": "größer beta\n", "new": ""},
               {"old": "gamma", "new": "delta"}],
    )  # fmt: skip
    assert note.read_text() == "beta delta\n"
    assert edited == {
        "path": NOTE,
        "bytes": 11,
        "sha256": sha256("beta delta\n"),
        "replaced": [{"line": 1, "times": 1}, {"line": 1, "times": 1}, {"line": 1, "times": 1}],
    }


async def test_every_occurrence_is_replaced_only_when_asked_for(workspace: Workspace, note: Path) -> None:
    said = await refused(workspace, "files_edit", path=NOTE, edits=[{"old": "beta", "new": "x"}])
    assert "edits.0.old: occurs 2 times" in said
    edited = await call(
        workspace, "files_edit", path=NOTE, edits=[{"old": "beta", "new": "x", "every": True}]
    )
    assert edited["replaced"] == [{"line": 1, "times": 2}]
    assert note.read_text() == "alpha x\nx gamma\n"


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([{"old": "alpha", "new": "x"}, {"old": "nowhere", "new": "x"}], "edits.1.old: does not occur"),
        ([{"old": "alpha", "new": "x"}, {"old": "", "new": "x"}], "edits.1.old"),
        ([{"old": "alpha"}], "edits.0.new: is required"),
        ([], "edits"),
    ],
)
async def test_when_one_edit_cannot_be_made_none_is(
    workspace: Workspace, note: Path, edits: list[dict[str, Any]], said: str
) -> None:
    assert said in await refused(workspace, "files_edit", path=NOTE, edits=edits)
    assert note.read_text() == "alpha beta\nbeta gamma\n"


async def test_other_line_ends_are_named_as_the_cause(workspace: Workspace, note: Path) -> None:
    note.write_bytes(b"one\r\ntwo\r\n")
    said = await refused(workspace, "files_edit", path=NOTE, edits=[{"old": "one\ntwo", "new": "x"}])
    assert "CR LF" in said


async def test_an_edit_cannot_blow_a_file_up(make_workspace: MakeWorkspace, root: Path, note: Path) -> None:
    workspace = make_workspace(limits=Limits(file_bytes=1_000_000))
    note.write_text("a" * 900_000)
    edits = [{"old": "a", "new": "b" * 100_000, "every": True}]
    assert "more than 1000000 bytes" in await refused(workspace, "files_edit", path=NOTE, edits=edits)
    assert note.read_text() == "a" * 900_000


async def test_a_change_that_expects_another_version_is_refused_with_the_present_one(
    workspace: Workspace, note: Path
) -> None:
    for tool, more in {
        "files_edit": {"edits": [{"old": "alpha", "new": "x"}]},
        "files_move": {"new_path": "docs/generated/other.md"},
        "files_delete": {},
    }.items():
        said = await refused(workspace, tool, path=NOTE, expected_sha256="0" * 64, **more)
        assert sha256("alpha beta\nbeta gamma\n") in said
    assert note.read_text() == "alpha beta\nbeta gamma\n"


async def test_what_stat_says_is_what_a_change_may_expect(workspace: Workspace, note: Path) -> None:
    status = await call(workspace, "files_stat", path=NOTE)
    assert (status["type"], status["bytes"], status["writable"]) == ("file", 22, True)
    assert status["modified"].endswith("+00:00")
    await call(workspace, "files_delete", path=NOTE, expected_sha256=status["sha256"])
    assert not note.exists()
    assert "does not exist" in await refused(workspace, "files_stat", path=NOTE)
    folder = await call(workspace, "files_stat", path=".")
    assert (folder["type"], folder["entries"], folder["writable"]) == ("directory", 2, False)


async def test_a_move_says_from_where_to_where(workspace: Workspace, root: Path, note: Path) -> None:
    moved = await call(workspace, "files_move", path=NOTE, new_path="docs/generated/a/b.md")
    assert moved == {"path": "docs/generated/a/b.md", "moved_from": NOTE}
    assert not note.exists()
    assert (root / "docs/generated/a/b.md").read_text() == "alpha beta\nbeta gamma\n"


async def test_a_directory_is_deleted_with_its_content_only_when_told_to(
    workspace: Workspace, root: Path, note: Path
) -> None:
    await call(workspace, "files_write", path="docs/generated/d/x", content="x")
    assert "recursive" in await refused(workspace, "files_delete", path="docs/generated/d")
    gone = await call(workspace, "files_delete", path="docs/generated/d", recursive=True)
    assert gone == {"path": "docs/generated/d", "names": 2}
    assert not (root / "docs/generated/d").exists()


async def test_each_change_is_an_event_and_a_refusal_is_none(workspace: Workspace, note: Path) -> None:
    hub = Hub()
    new = "docs/generated/new.md"
    await call(workspace, "files_write", hub=hub, path=new, content="one")
    await call(workspace, "files_edit", hub=hub, path=new, edits=[{"old": "one", "new": "two"}])
    await refused(workspace, "files_move", hub=hub, path=new, new_path=NOTE)
    await call(workspace, "files_move", hub=hub, path=new, new_path=NOTE, overwrite=True)
    await call(workspace, "files_delete", hub=hub, path=NOTE)
    with hub.subscribe(after=0) as listener:
        heard = [(event.type, dict(event.data)) async for event in _first(listener, hub.last_id)]
    assert heard == [
        ("file.written", {"path": new}),
        ("file.written", {"path": new}),
        ("file.moved", {"path": NOTE, "from": new}),
        ("file.deleted", {"path": NOTE}),
    ]


async def _first(listener: Any, count: int) -> Any:
    async for event in listener:
        yield event
        if event.id == count:
            return
