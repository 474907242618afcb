"""Attack case 11: what a name leads to changes while a tool uses it; 0 escapes, each tool on its own.

Another process exchanges a file (or directory) and a link to outside without pause. A control that opens by
name in the same loop does escape, which shows that the race is being run.
"""

import logging
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog
from docgen_main.server import build_server
from docgen_main.workspace import Limits
from mcp.server.mcpserver.exceptions import ToolError

from tests.servers.main.attacks.swapping import swapped
from tests.servers.main.conftest import SECRET, MakeWorkspace

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3000)]

OUT = "docs/generated"
HAYSTACK = {"path": OUT, "text": SECRET[:12]}
OVER = {"overwrite": True}
ONTO = {"new_path": f"{OUT}/place/secret"}
EDIT = {"edits": [{"old": "i", "new": "I", "every": True}, {"old": "I", "new": "i", "every": True}]}

#: tool and arguments, whether the swapped name is a directory, and what the tool needs before each try
CASES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "read a file": ("files_read", {"path": f"{OUT}/place"}, False),
    "read below a directory": ("files_read", {"path": f"{OUT}/place/secret"}, True),
    "stat": ("files_stat", {"path": f"{OUT}/place/secret"}, True),
    "list": ("files_list", {"path": f"{OUT}/place"}, True),
    "search a file": ("files_search", HAYSTACK, False),
    "search a directory": ("files_search", HAYSTACK, True),
    "write a file": ("files_write", {"path": f"{OUT}/place", "content": "inside"}, False),
    "write below a directory": ("files_write", {"path": f"{OUT}/place/new", "content": "x"}, True),
    "edit a file": ("files_edit", {"path": f"{OUT}/place", **EDIT}, False),
    "edit below a directory": ("files_edit", {"path": f"{OUT}/place/secret", **EDIT}, True),
    "move a file away": ("files_move", {"path": f"{OUT}/place", "new_path": f"{OUT}/moved", **OVER}, False),
    "move a directory away": ("files_move", {"path": f"{OUT}/place", "new_path": f"{OUT}/moved"}, True),
    "move to below a directory": ("files_move", {"path": f"{OUT}/mine", **ONTO, **OVER}, True),
    "delete a file": ("files_delete", {"path": f"{OUT}/place"}, False),
    "delete below a directory": ("files_delete", {"path": f"{OUT}/place/secret"}, True),
    "delete a directory": ("files_delete", {"path": f"{OUT}/place", "recursive": True}, True),
}  # fmt: skip


@pytest.fixture
def quiet() -> Iterator[None]:
    """No log line for each of the refusals."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def outside_of(root: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in (root.parent / "outside").iterdir()}


def prepare(root: Path, case: str) -> None:
    """Put what the case needs, or take away what the last try left."""
    folder = root / OUT
    match case:
        case "move to below a directory":
            if not (folder / "mine").exists():
                (folder / "mine").write_text("x")
        case "move a directory away" | "move a file away":
            moved = folder / "moved"
            if moved.is_symlink() or moved.is_file():  # the name itself may move while it is a link
                moved.unlink()
            elif moved.exists():
                shutil.rmtree(moved)


@pytest.mark.parametrize("tries", [50, pytest.param(100_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("case", CASES)
async def test_11_a_swapped_name_never_leads_outside(
    make_workspace: MakeWorkspace, root: Path, quiet: None, case: str, tries: int
) -> None:
    tool, arguments, directory = CASES[case]
    outside = root.parent / "outside"
    before = outside_of(root)
    mcp = build_server(make_workspace(limits=Limits(output_files=1_000_000)))
    place = root / OUT / "place"
    control = place / "secret" if directory else place
    outcomes: Counter[str] = Counter()
    outside_inodes = {path.stat().st_ino for path in outside.iterdir()}
    patience = time.monotonic() + 10
    with swapped(place, outside if directory else outside / "secret", directory=directory):
        while outcomes["tries"] < tries or (lacking(tool, outcomes) and time.monotonic() < patience):
            outcomes["tries"] += 1
            prepare(root, case)
            try:
                said = str(await mcp.call_tool(tool, arguments))
                outcomes["done"] += 1
            except ToolError as error:
                said = str(error)
                outcomes["refused"] += 1
            assert SECRET not in said, outcomes
            assert str(root.parent) not in said, outcomes
            with suppress(OSError):
                outcomes["escapes of the control"] += control.stat().st_ino in outside_inodes
            if outcomes["tries"] % 500 == 0:
                assert outside_of(root) == before, outcomes
    assert outside_of(root) == before
    print(f"{case}: {dict(outcomes)}, 0 escapes")  # noqa: T201 - the figures that a soak is run for
    assert not lacking(tool, outcomes), outcomes


def lacking(tool: str, outcomes: Counter[str]) -> bool:
    """Whether something never happened that must, for the race to have been run."""
    wanted = {"done", "refused", "escapes of the control"} - (
        {"refused"} if tool == "files_search" else set()
    )
    return any(outcomes[one] == 0 for one in wanted)
