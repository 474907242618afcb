"""One guard for every tool: each argument that is a path gets the same attacks, whichever tool has it.

The tools and their arguments are found by listing them, so that a new tool with a path is attacked without
anybody remembering to; an argument that looks like a path but is not known here fails the test.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from docgen_main.server import build_server
from docgen_main.workspace import Workspace
from mcp import Client

from tests.servers.main.conftest import SECRET, MakeWorkspace

pytestmark = pytest.mark.anyio

#: what a tool needs besides its path to get as far as opening it
OTHERS: dict[str, dict[str, Any]] = {
    "docs_generate": {"kind": "changelog"},
    "docs_show": {},
    "docs_export": {"path": "real.md"},
    "files_list": {},
    "files_read": {},
    "files_write": {"content": "planted"},
}
#: arguments that are no paths
NO_PATHS = {
    "format",
    "kind",
    "title",
    "update",
    "content",
    "encoding",
    "expected_sha256",
    "limit",
    "offset",
    "cursor",
}

ATTACKS = [
    "../outside/secret.md", "src/../../outside/secret.md", "/etc/passwd", "{parent}/outside/secret.md",
    "{parent}/ws-evil/secret.md", "{root}/../outside/secret.md", "link.md", "linkdir/secret.md", "loop.md",
    "magic/etc/passwd", "hard.md", "fifo.md", "docs/generated/link.md", "docs/generated/linkdir/secret.md",
    "docs/generated/loop.md", "docs/generated/hard.md", "docs/generated/fifo.md", "docs/generated/magic/x.md",
    ".env", ".git/config", "docs/generated/.env", "docs/generated/.git/x.md", "nul\0.md",
    "docs/generated/nul\0.md", "x" * 300 + ".md", "a/" * 5000 + "x.md", "file:///etc/passwd", "~/x",
    "docs/generated/%2e%2e/%2e%2e/%2e%2e/x", "..%2fx", "..\\..\\x", "src/.ssh/id_rsa",
]  # fmt: skip


URIS = """
    ../../src/a.txt %2e%2e/%2e%2e/src/a.txt %252e%252e/x /etc/passwd %2Fetc%2Fpasswd link.md linkdir/secret
    .env hard.md fifo.md missing.md a%00b
"""


@pytest.fixture
def trapped(root: Path) -> Path:
    """A workspace with every trap, at its top and in the output folder."""
    for folder in (root, root / "docs" / "generated"):
        (folder / "link.md").symlink_to(root.parent / "outside" / "secret")
        (folder / "linkdir").symlink_to(root.parent / "outside")
        (folder / "loop.md").symlink_to("loop.md")
        (folder / "magic").symlink_to("/proc/self/root")
        os.link(root.parent / "outside" / "secret", folder / "hard.md")
        os.mkfifo(folder / "fifo.md")
        (folder / ".env").write_text(SECRET)
    (root / "docs" / "generated" / "real.md").write_text("# Real\n")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text(SECRET)
    (root.parent / "outside" / "secret.md").write_text(SECRET)
    (root.parent / "ws-evil" / "secret.md").write_text(SECRET)
    return root


def outside_of(root: Path) -> dict[str, str]:
    """Everything beside and hidden in the workspace."""
    places = [
        *(root.parent / "outside").iterdir(),
        *(root.parent / "ws-evil").iterdir(),
        root / ".git" / "config",
    ]
    return {str(path): path.read_text() for path in places}


async def path_arguments(client: Client) -> list[tuple[str, str]]:
    return [
        (tool.name, name)
        for tool in (await client.list_tools()).tools
        for name in tool.input_schema.get("properties", {})
        if name not in NO_PATHS
    ]


async def test_every_argument_of_every_tool_is_known_to_be_a_path_or_not(workspace: Workspace) -> None:
    async with Client(build_server(workspace)) as client:
        found = await path_arguments(client)
    assert {argument for _, argument in found} == {"path", "to"}
    assert {tool for tool, _ in found} == set(OTHERS)


@pytest.mark.parametrize("writable", [False, True])
async def test_no_path_of_any_tool_leads_outside(
    make_workspace: MakeWorkspace, trapped: Path, writable: bool
) -> None:
    before = outside_of(trapped)
    async with Client(build_server(make_workspace(writable=writable))) as client:
        for tool, argument in await path_arguments(client):
            for attack in ATTACKS:
                path = attack.replace("{root}", str(trapped)).replace("{parent}", str(trapped.parent))
                result = await client.call_tool(tool, {**OTHERS[tool], argument: path})
                said = str(result.content) + str(result.structured_content)
                assert SECRET not in said, (tool, attack)
                assert str(trapped.parent) not in said, (tool, attack)
                literal = attack.startswith(("file:", "~", "docs/generated/%", "..%", "..\\"))
                assert result.is_error or (literal and "write" in tool), (tool, attack)
    assert outside_of(trapped) == before


@pytest.mark.parametrize("uri", URIS.split())
async def test_no_resource_leads_outside_the_output_folder(
    workspace: Workspace, trapped: Path, uri: str
) -> None:
    async with Client(build_server(workspace)) as client:
        with pytest.raises(Exception) as refusal:  # noqa: PT011 - the client's error class differs by era
            await client.read_resource("docs://generated/" + uri)
        listed = [resource.name for resource in (await client.list_resources()).resources]
    assert SECRET not in str(refusal.value)
    assert str(trapped.parent) not in str(refusal.value)
    assert ".env" not in listed
