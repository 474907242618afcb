"""Clients' files: where they lie, what is changed in them, and which are not touched."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.clients.programs import PROGRAMS, Program, Scope, Surroundings
from docgenctl.clients.server_list import ServerList
from docgenctl.clients.toml_tables import TomlError, remove_table, set_table
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.launch import Launch

LAUNCH = Launch("/opt/docgenctl", ("mcp", "--project-dir", "/w"), {"DOCGENCTL_STATE_DIR": "/s"})
NAMED = {program.name: program for program in PROGRAMS}
EVERY = [(program, scope) for program in PROGRAMS for scope in program.scopes()]
every_file = pytest.mark.parametrize(
    ("program", "scope"), EVERY, ids=[f"{program.name}-{scope}" for program, scope in EVERY]
)


def meaning(path: Path) -> dict[str, object]:
    text = path.read_text()
    return tomllib.loads(text) if path.suffix == ".toml" else dict(json.loads(text))


@pytest.mark.parametrize(
    ("name", "scope", "system", "environ", "place"),
    [
        ("claude-code", "project", "linux", {}, "workspace/.mcp.json"),
        ("claude-code", "user", "linux", {}, "home/.claude.json"),
        ("claude-code", "user", "linux", {"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
        ("claude-desktop", "user", "linux", {}, "home/.config/Claude/claude_desktop_config.json"),
        (
            "claude-desktop",
            "user",
            "darwin",
            {},
            "home/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "user", "win32", {"APPDATA": "/a"}, "/a/Claude/claude_desktop_config.json"),
        ("cursor", "project", "linux", {}, "workspace/.cursor/mcp.json"),
        ("cursor", "user", "linux", {}, "home/.cursor/mcp.json"),
        ("vscode", "project", "linux", {}, "workspace/.vscode/mcp.json"),
        ("vscode", "user", "linux", {"XDG_CONFIG_HOME": "/x"}, "/x/Code/User/mcp.json"),
        ("vscode", "user", "darwin", {}, "home/Library/Application Support/Code/User/mcp.json"),
        ("codex", "project", "linux", {}, "workspace/.codex/config.toml"),
        ("codex", "user", "linux", {}, "home/.codex/config.toml"),
        ("codex", "user", "linux", {"CODEX_HOME": "/k"}, "/k/config.toml"),
    ],
)
def test_each_client_has_its_files_where_it_looks_for_them(
    around: Surroundings, name: str, scope: Scope, system: str, environ: dict[str, str], place: str
) -> None:
    there = replace(around, system=system, environ=environ)
    assert NAMED[name].file(scope, there) == around.home.parent / place


@every_file
def test_a_file_that_is_not_there_is_made_and_taken_away_again(
    around: Surroundings, program: Program, scope: Scope
) -> None:
    file = ServerList(program, scope, around)
    assert not file.servers()
    edit = file.change("docgenctl", LAUNCH, dry_run=True)
    assert edit.diff
    assert not file.path.exists()
    assert file.change("docgenctl", LAUNCH, dry_run=False).backup is None
    entry = file.servers()["docgenctl"]
    assert Launch.read(entry) == LAUNCH
    assert entry.get("type") == ("stdio" if program.typed else None)
    assert set(meaning(file.path)) == {program.key}
    assert not file.change("docgenctl", LAUNCH, dry_run=False).diff
    file.change("docgenctl", None, dry_run=False)
    assert list(file.path.parent.iterdir()) in ([], [around.workspace, around.home])


@every_file
def test_all_else_in_a_file_stays_and_the_old_one_is_kept_with_its_mode(
    around: Surroundings, program: Program, scope: Scope
) -> None:
    file = ServerList(program, scope, around)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    if program.form == "toml":
        old = '# mine\nmodel = "x"  # why\n\n[mcp_servers.other]\ncommand = "a"\nargs = [ "1",\n  "2" ]\n'
    else:
        old = json.dumps({"numStartups": 7, program.key: {"other": {"command": "a"}}, "z": [1]}, indent=4)
        old = f"// mine\n{old}" if program.form == "jsonc" else old
    file.path.write_text(old)
    file.path.chmod(0o640)
    edit = file.change("docgenctl", LAUNCH, dry_run=False)
    assert edit.backup is not None
    assert edit.backup.read_text() == old
    assert edit.backup.stat().st_mode & 0o777 == file.path.stat().st_mode & 0o777 == 0o640
    assert set(file.servers()) == {"other", "docgenctl"}
    added = set(file.path.read_text().splitlines()) - set(old.splitlines())
    assert all("docgenctl" in line or "other" not in line for line in added)
    file.change("docgenctl", None, dry_run=False)
    assert file.path.read_text() == old


@every_file
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{}", b"[", b'{"mcpServers": []'])
def test_a_file_that_cannot_be_read_is_refused_and_left_alone(
    around: Surroundings, program: Program, scope: Scope, content: bytes
) -> None:
    file = ServerList(program, scope, around)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(content)
    for use in (file.servers, lambda: file.change("docgenctl", LAUNCH, dry_run=False)):
        with pytest.raises(ConfigurationError) as error:
            use()
        assert error.value.code == "client_file"
        assert str(file.path) in error.value.message
        assert error.value.hint
    assert file.path.read_bytes() == content
    assert [path.name for path in file.path.parent.iterdir() if path.is_file()] == [file.path.name]


def test_comments_are_a_mistake_where_the_client_would_not_read_them(around: Surroundings) -> None:
    file = ServerList(NAMED["claude-code"], "project", around)
    file.path.write_text('{\n  // servers\n  "mcpServers": {}\n}\n')
    with pytest.raises(ConfigurationError, match=r"\.mcp\.json:2: .*plain JSON only"):
        file.change("docgenctl", LAUNCH, dry_run=False)


def test_keys_of_other_servers_are_not_shown_in_differences(around: Surroundings) -> None:
    file = ServerList(NAMED["cursor"], "user", around)
    file.path.parent.mkdir()
    other = {"command": "a", "env": {"API_KEY": "sk-very-secret-value"}}
    for layout in (None, 2):
        file.path.write_text(json.dumps({"mcpServers": {"other": other}}, indent=layout))
        diff = file.change("docgenctl", LAUNCH, dry_run=True).diff
        assert "sk-very-secret-value" not in diff
        assert "/opt/docgenctl" in diff


def test_a_link_in_the_home_directory_is_followed_and_stays(around: Surroundings) -> None:
    dotfiles = around.home / "dotfiles.json"
    dotfiles.write_text("{}")
    file = ServerList(NAMED["claude-code"], "user", around)
    file.path.symlink_to(dotfiles)
    file.change("docgenctl", LAUNCH, dry_run=False)
    assert file.path.is_symlink()
    assert "docgenctl" in meaning(dotfiles)["mcpServers"]  # type: ignore[operator]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_in_the_workspace_that_leads_out_of_it_is_refused(around: Surroundings, what: str) -> None:
    """Whoever wrote the repository would choose which file of the user is changed."""
    outside = around.home / "outside"
    outside.mkdir()
    (outside / "mcp.json").write_text("{}")
    file = ServerList(NAMED["cursor"], "project", around)
    if what == "folder":
        file.path.parent.symlink_to(outside)
    else:
        file.path.parent.mkdir()
        file.path.symlink_to(outside / "mcp.json")
    with pytest.raises(RefusedError) as error:
        file.change("docgenctl", LAUNCH, dry_run=False)
    assert error.value.code == "link_out"
    assert (outside / "mcp.json").read_text() == "{}"


def test_a_byte_order_mark_and_line_ends_of_windows_stay(around: Surroundings) -> None:
    file = ServerList(NAMED["vscode"], "project", around)
    file.path.parent.mkdir()
    old = b'\xef\xbb\xbf{\r\n  "servers": {\r\n    "a": {}\r\n  }\r\n}\r\n'
    file.path.write_bytes(old)
    file.change("docgenctl", LAUNCH, dry_run=False)
    new = file.path.read_bytes()
    assert new.startswith(b"\xef\xbb\xbf{")
    assert new.count(b"\n") == new.count(b"\r\n")


def test_a_program_is_seen_by_its_home_or_its_command(around: Surroundings, tmp_path: Path) -> None:
    assert not any(program.is_there(around) for program in PROGRAMS)
    (around.home / ".cursor").mkdir()
    command = tmp_path / "bin" / "codex"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    there = replace(around, environ={"PATH": str(command.parent)})
    assert [program.name for program in PROGRAMS if program.is_there(there)] == ["cursor", "codex"]


# -- TOML in any layout ------------------------------------------------------------------------------
LAYOUTS = [
    "",
    "# only a comment\n",
    'model = "x"\n',
    "[mcp_servers]\n",
    '[mcp_servers.a]\ncommand = "x" # why\n\n# below\n[other]\nk = 1\n',
    'mcp_servers.a.command = "x"\n[z]\ny = 1\n',
    '[mcp_servers]\na = { command = "x" }\n',
    'mcp_servers = { a = { command = "x" } }\n',
    '[mcp_servers."docgenctl"]\ncommand = "old"\n[mcp_servers.docgenctl.env]\nA = "b"\n\n[tail]\n',
    "[projects.\"/w\"]\ntrust_level = 'trusted'\n\n\n[[hooks]]\na = 1\n[[hooks]]\na = 2\n",
]
ENTRY = {"command": "/x", "args": ["mcp", "é"], "env": {"A": "b"}}
PATH = ("mcp_servers", "docgenctl")


@pytest.mark.parametrize("text", LAYOUTS)
def test_any_layout_of_toml_takes_a_table_and_gives_it_back(text: str) -> None:
    changed = set_table(text, PATH, ENTRY)
    assert tomllib.loads(changed)["mcp_servers"]["docgenctl"] == ENTRY
    assert set_table(changed, PATH, ENTRY) == changed
    removed = remove_table(changed, PATH)
    wanted = tomllib.loads(text)
    wanted.get("mcp_servers", {}).pop("docgenctl", None)
    found = tomllib.loads(removed)
    assert {**found, "mcp_servers": found.get("mcp_servers", {})} == {
        **wanted,
        "mcp_servers": wanted.get("mcp_servers", {}),
    }
    for comment in ("# only a comment", "# why", "# below"):
        assert (comment in text) == (comment in removed)


@pytest.mark.parametrize("text", ["mcp_servers = 3\n", "[[mcp_servers]]\na = 1\n", "= 1", "[a"])
def test_toml_with_something_else_in_the_way_is_refused(text: str) -> None:
    with pytest.raises(TomlError):
        set_table(text, PATH, ENTRY)


KEYS = st.text("abcdefgh-_", min_size=1, max_size=6)
SCALARS = st.integers(-(2**40), 2**40) | st.booleans() | st.text(max_size=10)
TABLES = st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, SCALARS | TABLES, max_size=4), st.dictionaries(KEYS, TABLES, max_size=3), TABLES)
def test_other_tables_mean_what_they_meant(
    others: dict[str, object], servers: dict[str, object], entry: dict[str, object]
) -> None:
    others.pop("mcp_servers", None)
    text = tomlkit.dumps({**others, "mcp_servers": servers} if servers else others)
    try:
        changed = set_table(text, PATH, entry)
    except TomlError:
        return  # refused, and so not harmed
    assert tomllib.loads(changed) == {**others, "mcp_servers": {**servers, "docgenctl": entry}}
    back = tomllib.loads(remove_table(changed, PATH))
    servers.pop("docgenctl", None)
    assert back == {**others, **({"mcp_servers": servers} if servers else {})}
