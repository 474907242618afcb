"""One guard for every tool: each text that any tool, resource or prompt takes gets the attacks on paths.

Tools and their arguments are found in the schemas that are served, down to the fields of objects in lists, so
that a new tool is attacked without anybody remembering to. Whatever the answer is, it must not hold the
secret, nothing outside may change, and nothing in or beside the workspace may be opened by its path: only
descriptors make sure that what was checked is what is used.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from docgen_common.settings import ServerSettings
from docgen_main.documents import KINDS
from docgen_main.documents.records import Records
from docgen_main.events import Hub
from docgen_main.resources import DocumentServer
from docgen_main.server import build_app, build_server
from docgen_main.settings import MainSettings
from docgen_main.user_templates import Store, UserTemplates
from docgen_main.workspace import Workspace
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Tool

from tests.servers.github.serving import served
from tests.servers.main.argument_places import Place, filled, places
from tests.servers.main.conftest import SECRET, MakeWorkspace
from tests.servers.main.opened_by_name import opened_by_name
from tests.servers.main.served_clients import client_of

pytestmark = pytest.mark.anyio

Serve = Callable[[Workspace], DocumentServer]

ATTACKS = [
    "../outside/secret.md", "src/../../outside/secret.md", "/etc/passwd", "{parent}/outside/secret.md",
    "{parent}/ws-evil/secret.md", "{root}/../outside/secret.md", "link.md", "linkdir/secret.md", "loop.md",
    "magic/etc/passwd", "hard.md", "fifo.md", "docs/generated/link.md", "docs/generated/linkdir/secret.md",
    "docs/generated/loop.md", "docs/generated/hard.md", "docs/generated/fifo.md", "docs/generated/magic/x.md",
    ".env", ".git/config", "docs/generated/.env", "docs/generated/.git/x.md", "nul\0.md",
    "docs/generated/nul\0.md", "x" * 300 + ".md", "a/" * 5000 + "x.md", "file:///etc/passwd", "~/x",
    "docs/generated/%2e%2e/%2e%2e/%2e%2e/x", "..%2fx", "..\\..\\x", "src/.ssh/id_rsa", "linkdir", ".git",
    "docs/generated/linkdir", "docs/../../outside/secret.md", "src/\u202e/x", "./../outside/secret",
]  # fmt: skip
#: for arguments that are not about paths by their name
FEW = ["../outside/secret.md", "{parent}/outside/secret.md", "link.md", "docs/generated/link.md", ".env"]
#: taken as the literal name, so writing there is fine
LITERAL = ("file:", "~", "docs/generated/%", "..%", "..\\")
#: names in the workspace that a deletion may take away, what they lead to stays
OWN_NAMES = ("link.md", "loop.md", "hard.md", "linkdir")

URIS = """
    ../../src/a.txt %2e%2e/%2e%2e/src/a.txt %252e%252e/x /etc/passwd %2Fetc%2Fpasswd link.md linkdir/secret
    .env hard.md fifo.md missing.md a%00b
"""


def lay_traps(root: Path) -> None:
    """Put every trap that is not there at the top of the workspace and in the output folder."""
    outside = root.parent / "outside"
    for folder in (root, root / "docs" / "generated"):
        for name, target in {
            "link.md": outside / "secret",
            "linkdir": outside,
            "loop.md": "loop.md",
            "magic": "/proc/self/root",
        }.items():
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(target)
        if not (folder / "hard.md").exists():
            os.link(outside / "secret", folder / "hard.md")
        if not (folder / "fifo.md").exists():
            os.mkfifo(folder / "fifo.md")
    (root / "docs/generated/here.md").write_text("inside\n")
    (root / "docs/generated/there.md").unlink(missing_ok=True)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Builds the server on a workspace with all its parts."""
    (tmp_path / "data").mkdir()
    store = Store(str(tmp_path / "data" / "templates"))
    templates = UserTemplates(store, Hub(), built_in=frozenset(KINDS))
    records = Records(str(tmp_path / "data" / "records"))
    yield lambda workspace: build_server(workspace, templates=templates, records=records)
    templates.close()


@pytest.fixture
def trapped(root: Path) -> Path:
    """A workspace with every trap, and secrets in hidden places."""
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text(SECRET)
    for folder in (root, root / "docs" / "generated"):
        (folder / ".env").write_text(SECRET)
    (root.parent / "outside" / "secret.md").write_text(SECRET)
    (root.parent / "ws-evil" / "secret.md").write_text(SECRET)
    lay_traps(root)
    return root


def guarded_things(root: Path) -> dict[str, str]:
    """Everything beside and hidden in the workspace."""
    found = [path for name in ("outside", "ws-evil") for path in (root.parent / name).rglob("*")]
    hidden = [root / ".git" / "config", root / ".env", root / "docs/generated/.env"]
    return {str(path): path.read_text() for path in (*found, *hidden)}


def is_about_a_path(place: Place) -> bool:
    return any(word in str(place[-1]) for word in ("path", "folder", "directory"))


async def attacked_places(client: Client) -> list[tuple[Tool, Place]]:
    tools = (await client.list_tools()).tools
    return [(tool, place) for tool in tools for place in places(tool.input_schema)]


async def test_what_is_attacked_is_what_is_served(
    workspace: Workspace, serve: Serve, settings: ServerSettings, own: MainSettings
) -> None:
    async with Client(serve(workspace)) as client:
        attacked = {tool.name for tool in (await client.list_tools()).tools}
    with served(build_app(settings, own)) as port:
        async with client_of(port, "auto") as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == attacked


async def test_the_arguments_are_found_in_the_schemas(workspace: Workspace, serve: Serve) -> None:
    async with Client(serve(workspace)) as client:
        found = {(tool.name, place) for tool, place in await attacked_places(client)}
    known = {
        "docs_generate": ["path", "title"],
        "files_list": ["path", "cursor"],
        "files_stat": ["path"],
        "files_read": ["path"],
        "files_search": ["path", "text", "names", "cursor"],
        "files_write": ["path", "content", "expected_sha256"],
        "files_move": ["path", "new_path", "expected_sha256"],
        "files_delete": ["path", "expected_sha256"],
        "files_edit": ["path", "expected_sha256"],
    }
    assert found >= {(tool, (name,)) for tool, names in known.items() for name in names}
    assert found >= {("files_edit", ("edits", 0, "old")), ("files_edit", ("edits", 0, "new"))}


def test_an_opening_by_path_would_be_seen(trapped: Path) -> None:
    with opened_by_name(f"{trapped}/") as by_name:
        (trapped / "src" / "a.txt").read_text()
        list((trapped / "src").iterdir())
        (trapped / "docs/generated/here.md").rename(trapped / "docs/generated/there.md")
    assert [event.split()[0] for event in by_name] == ["open", "os.listdir", "os.rename", "os.rename"]


@pytest.mark.parametrize("writable", [False, True])
async def test_no_text_of_any_tool_leads_outside(
    make_workspace: MakeWorkspace, serve: Serve, trapped: Path, writable: bool
) -> None:
    before = guarded_things(trapped)
    host = str(trapped.parent)
    kept = (f"{trapped}/", f"{host}/outside", f"{host}/ws-evil")
    async with Client(serve(make_workspace(writable=writable))) as client:
        for tool, place in await attacked_places(client):
            for attack in ATTACKS if is_about_a_path(place) else FEW:
                text = attack.replace("{root}", str(trapped)).replace("{parent}", host)
                with opened_by_name(*kept) as by_name:
                    result = await client.call_tool(tool.name, filled(tool.input_schema, place, text))
                said = str(result.content) + str(result.structured_content)
                where = (tool.name, place, attack)
                assert by_name == [], (where, by_name)
                assert SECRET not in said, where
                if is_about_a_path(place) or host not in text:  # other texts may be repeated, or cut
                    assert host not in said, where
                if is_about_a_path(place):
                    check_refused(tool, place, attack, result)
                lay_traps(trapped)
    assert guarded_things(trapped) == before


def check_refused(tool: Tool, place: Place, attack: str, result: CallToolResult) -> None:
    """An attack by path is an error, unless it is a plain name or the removal of a name that is inside."""
    reading = tool.annotations is not None and tool.annotations.read_only_hint
    literal = attack.startswith(LITERAL) and not reading
    removal = tool.name == "files_delete" and attack.rpartition("/")[2] in OWN_NAMES
    if not (literal or removal):
        assert result.is_error, (tool.name, place, attack)


async def test_a_search_of_everything_finds_nothing_outside_or_hidden(
    workspace: Workspace, serve: Serve, trapped: Path
) -> None:
    async with Client(serve(workspace)) as client:
        for arguments in (
            {"text": SECRET[:12]},
            {"text": ".*", "syntax": "regex", "limit": 500},
            {"names": "**"},
            {"names": "**/../**"},
            {"names": "{.env,.git/*,linkdir/*,**/secret*}"},
        ):
            result = await client.call_tool("files_search", arguments)
            assert not result.is_error
            assert result.structured_content is not None
            found = [hit["path"] for hit in result.structured_content["hits"]]
            assert SECRET not in str(result.structured_content)
            assert not [path for path in found if "secret" in path or ".env" in path or ".git" in path]


@pytest.mark.parametrize("uri", URIS.split())
async def test_no_resource_leads_outside(workspace: Workspace, serve: Serve, trapped: Path, uri: str) -> None:
    async with Client(serve(workspace)) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert "docs://generated/{+path}" in {template.uri_template for template in templates}
        for template in templates:
            begin, _, rest = template.uri_template.partition("{")
            address = begin + uri + rest.partition("}")[2].replace("{", "").replace("}", "")
            with (
                opened_by_name(f"{trapped}/", f"{trapped.parent}/outside") as by_name,
                pytest.raises(Exception) as refusal,  # noqa: PT011 - the client's error class differs by era
            ):
                await client.read_resource(address)
            assert by_name == []
            assert SECRET not in str(refusal.value)
            assert str(trapped.parent) not in str(refusal.value)
        listed = [resource.name for resource in (await client.list_resources()).resources]
    assert ".env" not in listed


async def test_no_prompt_shows_what_is_outside(workspace: Workspace, serve: Serve, trapped: Path) -> None:
    async with Client(serve(workspace)) as client:
        for prompt in (await client.list_prompts()).prompts:
            for argument in prompt.arguments or ():
                for attack in FEW:
                    values: dict[str, Any] = {one.name: "x" for one in prompt.arguments or () if one.required}
                    values[argument.name] = attack.replace("{parent}", str(trapped.parent))
                    with suppress(MCPError):
                        assert SECRET not in str(await client.get_prompt(prompt.name, values))
