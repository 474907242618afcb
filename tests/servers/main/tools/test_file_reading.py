from pathlib import Path

import pytest
from docgen_main.workspace import Workspace

from tests.servers.main.calling import call, refused

pytestmark = pytest.mark.anyio


async def test_lines_join_to_the_file(workspace: Workspace, root: Path) -> None:
    text = "".join(f"Zeile {n} größer\n" for n in range(1, 101)) + "end without a break"
    (root / "src" / "l.txt").write_text(text)
    joined, line = "", 1
    while line:
        piece = await call(workspace, "files_read", path="src/l.txt", line=line, lines=30)
        assert piece["content"].startswith("end" if line > 100 else f"Zeile {line} ")
        joined, line = joined + piece["content"], piece["next_line"]
    assert joined == text


async def test_lines_are_cut_where_one_ends_when_the_bytes_do_not_suffice(
    workspace: Workspace, root: Path
) -> None:
    (root / "src" / "l.txt").write_text("12345678\n" * 10 + "x" * 100)
    piece = await call(workspace, "files_read", path="src/l.txt", line=2, limit=30)
    assert (piece["content"], piece["next_line"], piece["next_offset"]) == ("12345678\n" * 3, 5, 36)
    long = await call(workspace, "files_read", path="src/l.txt", line=11, limit=30)
    assert (long["content"], long["next_line"], long["next_offset"]) == ("x" * 30, None, 120)


async def test_a_line_far_into_a_big_file_is_found(workspace: Workspace, root: Path) -> None:
    (root / "src" / "l.txt").write_text("".join(f"{n}\n" for n in range(400_000)))
    piece = await call(workspace, "files_read", path="src/l.txt", line=399_999, lines=1)
    assert (piece["content"], piece["next_line"]) == ("399998\n", 400_000)


async def test_a_line_that_is_not_there_is_refused(workspace: Workspace, root: Path) -> None:
    assert "fewer than 3 lines" in await refused(workspace, "files_read", path="src/a.txt", line=3)
    assert "not both" in await refused(workspace, "files_read", path="src/a.txt", line=1, offset=1)
    assert (await call(workspace, "files_read", path="src/a.txt", line=1))["content"] == "inside\n"
