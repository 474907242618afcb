"""`docgenctl clients` as typed, with files of clients in a home of its own."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docgenctl.cli import clients
from docgenctl.clients.programs import PROGRAMS
from tests.unit.endpoint.bridge.conftest import Home

EVERY = ("claude-code", "claude-desktop", "cursor", "vscode", "codex")


class User:
    """Types commands, in a workspace whose stack may run."""

    def __init__(self, home: Home) -> None:
        self.stack = home
        self.home = home.folder / "home"
        self.home.mkdir()

    def run(self, *argv: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environ = {**self.stack.environ, "HOME": str(self.home), "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
        where = ["--project-dir", str(self.stack.workspace)]
        done = subprocess.run(
            [sys.executable, "-m", "docgenctl", "clients", *argv, *where],
            env=environ,
            cwd="/",
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *argv: str, code: int = 0) -> Any:
        return json.loads(self.run(*argv, "--json", code=code).stdout)

    def states(self) -> dict[tuple[str, str], str]:
        return {(one["client"], one["scope"]): one["state"] for one in self.json("list")}


@pytest.fixture
def user(tmp_path: Path) -> Any:
    home = Home(tmp_path)
    yield User(home)
    home.stop()


def test_clients_are_connected_checked_and_disconnected_and_nothing_is_left(user: User) -> None:
    user.stack.start()
    changes = user.json("connect", *EVERY)
    assert [change["client"] for change in changes] == list(EVERY)
    assert all(change["changed"] and change["error"] is None for change in changes)
    assert [change["scope"] for change in changes] == ["project", "user", "project", "project", "project"]
    assert not any(change["changed"] for change in user.json("connect", *EVERY))
    key = (user.stack.state / "api-key").read_text().strip()
    for change in changes:
        assert key not in Path(change["file"]).read_text()
    checked = user.json("doctor")
    assert [one["state"] for one in checked] == ["connected"] * 5
    assert all(one["tools"] and one["initialize_ms"] for one in checked), checked
    assert {one["verdict"] for one in checked} <= {"ok", "warning"}, checked
    assert [change["changed"] for change in user.json("disconnect", "--all")] == [True] * 5
    assert set(user.states().values()) == {"none"}
    left = [
        path for folder in (user.home, user.stack.workspace) for path in folder.rglob("*") if path.is_file()
    ]
    assert left == []


def test_the_names_on_the_help_page_are_those_that_there_are() -> None:
    assert clients._NAMES == tuple(program.name for program in PROGRAMS) == EVERY


def test_a_docgen_yaml_with_mistakes_keeps_nobody_from_looking_at_clients(user: User) -> None:
    user.stack.start()
    user.run("connect", "codex")
    (user.stack.workspace / "docgen.yaml").write_text("nonsense: true\n")
    assert user.json("doctor", "codex")[0]["tools"]


def test_one_broken_file_never_blocks_the_rest(user: User) -> None:
    broken = user.stack.workspace / ".mcp.json"
    broken.write_text('{"mcpServers": {')
    (user.home / ".cursor").mkdir()
    (user.home / ".claude").mkdir()
    done = user.run("connect", "--all", code=3)
    assert f"{broken}:1" in done.stderr
    assert "Cursor: connected" in done.stdout
    assert broken.read_text() == '{"mcpServers": {'
    assert user.states()["claude-code", "project"] == "broken"
    checked = {one["client"]: one for one in user.json("doctor", code=5)}
    assert checked["claude-code"]["verdict"] == "problem"
    assert str(broken) in checked["claude-code"]["fix"]


def test_without_a_terminal_nobody_is_asked(user: User) -> None:
    assert "clients snippet" in user.run("connect", code=2).stderr
    (user.home / ".codex").mkdir()
    assert "found here: codex" in user.run("connect", code=2).stderr
    assert user.states()["codex", "project"] == "none"
    assert "there is no client emacs" in user.run("connect", "emacs", code=2).stderr
    assert "--scope user" in user.run("connect", "claude-desktop", "--scope", "project", code=2).stderr
    assert "no such scope" in user.run("connect", "codex", "--scope", "all", code=2).stderr
    assert "name the clients" in user.run("disconnect", code=2).stderr


def test_all_are_those_that_have_the_scope_and_one_named_without_it_leaves_every_file_alone(
    user: User,
) -> None:
    for folder in (".claude", ".config/Claude", ".cursor"):
        (user.home / folder).mkdir(parents=True)
    named = ("claude-code", "claude-desktop", "--scope", "project")
    assert "Claude Desktop has no list" in user.run("connect", *named, code=2).stderr
    assert set(user.states().values()) == {"none"}
    connected = user.json("connect", "--all", "--scope", "project")
    assert [change["client"] for change in connected] == ["claude-code", "cursor"]
    assert "Claude Desktop has no list" in user.run("disconnect", *named, code=2).stderr
    assert user.states()["claude-code", "project"] == "connected"
    user.run("disconnect", "--all", "--scope", "project")
    assert set(user.states().values()) == {"none"}


def test_a_dry_run_shows_the_difference_and_writes_nothing(user: User) -> None:
    done = user.run("connect", "vscode", "--dry-run")
    assert '+    "docgenctl": {' in done.stdout
    assert not (user.stack.workspace / ".vscode").exists()


def test_names_of_others_are_not_taken(user: User) -> None:
    file = user.stack.workspace / ".mcp.json"
    file.write_text(json.dumps({"mcpServers": {"docgenctl": {"command": "mine"}}}))
    assert "--name docgenctl-2" in user.run("connect", "claude-code", code=6).stderr
    user.run("connect", "claude-code", "--name", "second")
    assert set(json.loads(file.read_text())["mcpServers"]) == {"docgenctl", "second"}
    user.run("disconnect", "claude-code")
    assert json.loads(file.read_text()) == {"mcpServers": {"docgenctl": {"command": "mine"}}}


def test_entries_of_another_workspace_and_of_one_that_is_gone_are_told_apart(
    user: User, tmp_path: Path
) -> None:
    (user.stack.workspace / ".cursor").mkdir()
    file = user.stack.workspace / ".cursor" / "mcp.json"
    other = tmp_path / "other"
    other.mkdir()

    def write(directory: Path) -> None:
        launch = {"command": "/x/docgenctl", "args": ["mcp", "--project-dir", str(directory)]}
        file.write_text(json.dumps({"mcpServers": {"docgenctl": launch}}))

    write(other)
    assert user.states()["cursor", "project"] == "other_project"
    assert str(other) in user.run("connect", "cursor", code=6).stderr
    (checked,) = user.json("doctor", "cursor")
    assert (checked["verdict"], checked["state"]) == ("warning", "other_project")
    write(tmp_path / "gone")
    (checked,) = user.json("doctor", "cursor", code=5)
    assert checked["state"] == "stale"
    assert "disconnect cursor" in checked["fix"]
    user.run(*checked["fix"].split()[2:])
    assert user.states()["cursor", "project"] == "none"


def test_a_moved_program_and_a_stack_that_is_away_are_told_with_what_to_type(user: User) -> None:
    user.stack.start()
    user.run("connect", "codex")
    file = user.stack.workspace / ".codex" / "config.toml"
    text = file.read_text()
    command = json.loads(text.split("command = ")[1].split("\n")[0])
    file.write_text(text.replace(command, "/gone/bin/docgenctl"))
    assert user.states()["codex", "project"] == "outdated"
    (checked,) = user.json("doctor", "codex", code=5)
    assert "/gone/bin/docgenctl is not there" in checked["evidence"]
    user.run(*checked["fix"].split()[2:])
    assert user.states()["codex", "project"] == "connected"
    user.stack.stop()
    (checked,) = user.json("doctor", "codex", code=5)
    assert checked["fix"] == "docgenctl up"
    assert "nothing answers" in checked["evidence"]


def test_what_could_never_be_served_is_not_written_into_the_file_of_a_client(user: User) -> None:
    folder, absent = user.stack.folder, user.stack.folder / "absent.key"
    for argv, code, hint in (
        (("--key-file", str(absent)), 5, f"docgenctl keys create NAME --out {absent}"),
        (("--key-file", str(folder)), 6, "name the file that the key is in"),
        (("--endpoint", "Main"), 2, "docgenctl describe"),
        (("--endpoint", "mian"), 2, "endpoints: github, main, review"),
    ):
        (user.stack.workspace / "docgen.yaml").write_text("endpoints: {review: {tools: ['*']}}\n")
        assert f"Hint: {hint}" in user.run("connect", "cursor", *argv, code=code).stderr
    assert set(user.states().values()) == {"none"}
    (user.stack.workspace / "docgen.yaml").write_text("nonsense: true\n")
    user.run("connect", "cursor", "--endpoint", "mian")


def test_who_connects_before_the_first_up_is_told_to_start_the_stack(user: User) -> None:
    assert f"docgenctl up --project-dir {user.stack.workspace}" in user.run("connect", "cursor").stderr
    user.stack.remember(8080)
    assert "docgenctl up" not in user.run("connect", "vscode").stderr


def test_an_entry_written_anew_keeps_its_endpoint_and_its_key(user: User) -> None:
    key = user.stack.folder / "a client.key"
    key.write_bytes((user.stack.state / "api-key").read_bytes())
    key.chmod(0o600)
    user.run("connect", "cursor", "--endpoint", "main", "--key-file", str(key))
    file = user.stack.workspace / ".cursor" / "mcp.json"
    written = file.read_text()
    command = json.loads(written)["mcpServers"]["docgenctl"]["command"]
    file.write_text(written.replace(command, "/gone/bin/docgenctl"))
    (told,) = user.json("doctor", "cursor", code=5)
    user.run(*shlex.split(told["fix"])[2:])
    assert file.read_text() == written


def test_a_stack_that_refuses_the_key_says_what_to_type(user: User) -> None:
    user.stack.start()
    key = user.stack.folder / "revoked.key"
    key.write_text("docgen_of_somebody_else\n")
    key.chmod(0o600)
    user.run("connect", "cursor", "--key-file", str(key))
    (told,) = user.json("doctor", "cursor", code=5)
    assert f"does not accept the API key in {key}" in told["evidence"]
    assert told["fix"].startswith("'docgenctl keys list --all' shows whether it was revoked")
    assert told["fix"] not in told["evidence"]


def test_a_file_that_cannot_be_read_is_told_with_its_whole_path(user: User) -> None:
    file = user.home / ".cursor" / "mcp.json"
    file.mkdir(parents=True)
    done = user.run("connect", "cursor", "--scope", "user", code=3)
    assert f"Error: {file}: is not a regular file" in done.stderr
    assert f"cursor, user: {file}: is not a regular file" in user.run("list").stderr


def test_a_snippet_has_the_command_and_the_address_and_not_the_key(user: User) -> None:
    before = user.run("snippet", "--json")
    assert json.loads(before.stdout)["http"] is None
    assert "never started" in before.stderr
    user.stack.remember(8080)
    document = user.json("snippet", "--endpoint", "main")
    assert document["http"]["url"] == "https://localhost:8080/mcp/main"
    assert "main" in document["stdio"]["args"]
    text = user.run("snippet").stdout
    assert (user.stack.state / "api-key").read_text().strip() not in text
    assert "NODE_EXTRA_CA_CERTS" in text


def test_a_client_can_be_given_a_key_of_its_own_which_later_commands_keep(user: User) -> None:
    user.stack.start()
    key = user.stack.folder / "client.key"
    key.write_bytes((user.stack.state / "api-key").read_bytes())
    key.chmod(0o600)
    user.run("connect", "claude-code", "--endpoint", "main", "--key-file", str(key))
    entry = json.loads((user.stack.workspace / ".mcp.json").read_text())["mcpServers"]["docgenctl"]
    where = ["--project-dir", str(user.stack.workspace)]
    assert entry["args"][-6:] == ["mcp", "main", *where, "--key-file", str(key)]
    assert key.read_text().strip() not in json.dumps(entry)
    assert user.states()["claude-code", "project"] == "connected"
    user.run("connect", "claude-code", "--key-file", str(key))
    assert "problem" not in {one["verdict"] for one in user.json("doctor", "claude-code")}
    key.chmod(0o644)
    (told,) = user.json("doctor", "claude-code", code=5)
    assert "is open to others" in told["evidence"]
    assert f"chmod 600 {key}" in told["fix"]
    user.run("disconnect", "claude-code")
    assert user.states()["claude-code", "project"] == "none"
