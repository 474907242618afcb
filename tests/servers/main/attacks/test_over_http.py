"""A sample of the filesystem cases as clients send them: over HTTP, in both protocol eras, with a key."""

from pathlib import Path
from typing import Literal

import pytest

from tests.servers.main.conftest import SECRET
from tests.servers.main.served_clients import client_of

pytestmark = pytest.mark.anyio

OUT = "docs/generated"
PATHS = ["../outside/secret", "{root}/../outside/secret", "/etc/passwd", f"{OUT}/link", f"{OUT}/dir/secret",
         f"{OUT}/nul\0", ".env", ".git/config", "x" * 5_000]  # fmt: skip


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_no_path_leads_outside_over_http(
    port: int, root: Path, mode: Literal["auto", "legacy"]
) -> None:
    (root / OUT / "link").symlink_to(root.parent / "outside" / "secret")
    (root / OUT / "dir").symlink_to(root.parent / "outside")
    (root / ".env").write_text(SECRET)
    calls = {
        "files_read": {},
        "files_stat": {},
        "files_write": {"content": "planted"},
        "files_edit": {"edits": [{"old": "outside", "new": "planted"}]},
        "files_move": {"new_path": f"{OUT}/x"},
    }
    async with client_of(port, mode) as client:
        for tool, more in calls.items():
            for path in PATHS:
                sent = path.replace("{root}", str(root))
                result = await client.call_tool(tool, {"path": sent, **more})
                said = str(result.content) + str(result.structured_content)
                assert result.is_error, (tool, path)
                assert SECRET not in said
                assert str(root.parent) not in said
        gone = await client.call_tool("files_delete", {"path": f"{OUT}/link"})
    assert not gone.is_error
    assert (root.parent / "outside" / "secret").read_text() == SECRET
    assert not (root / OUT / "link").is_symlink()


async def test_what_one_client_changes_another_sees_at_once(port: int, root: Path) -> None:
    async with client_of(port, "auto") as one, client_of(port, "legacy") as other:
        written = await one.call_tool("files_write", {"path": f"{OUT}/n.md", "content": "first"})
        assert written.structured_content is not None
        edit = {"path": f"{OUT}/n.md", "edits": [{"old": "first", "new": "second"}]}
        mine = await other.call_tool(
            "files_edit", {**edit, "expected_sha256": written.structured_content["sha256"]}
        )
        late = await one.call_tool(
            "files_write",
            {"path": f"{OUT}/n.md", "content": "x", "expected_sha256": written.structured_content["sha256"]},
        )
    assert not mine.is_error
    assert late.is_error
    assert (root / OUT / "n.md").read_text() == "second"
