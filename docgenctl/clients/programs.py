"""The clients that docgenctl can connect: where each keeps its list of servers, and in which form.

Read in November 2026 in the clients' documentation: code.claude.com/docs/en/mcp (Claude Code),
modelcontextprotocol.io (Claude Desktop), cursor.com/docs/mcp, code.visualstudio.com/docs/agents/reference/
mcp-configuration, and OpenAI's Codex configuration reference.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from docgenctl.model.launch import Launch

Scope = Literal["project", "user"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where files are looked for: `system` is `sys.platform`, `home` the user's directory."""

    workspace: Path
    home: Path
    system: str
    environ: Mapping[str, str]

    @property
    def configuration(self) -> Path:
        """Where programs with windows keep their settings."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        if self.system == "win32":
            return Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming")
        return _directory(self.environ.get("XDG_CONFIG_HOME"), self.home / ".config")

    def named(self, variable: str, default: Path) -> Path:
        """The directory in a variable, else the default."""
        return _directory(self.environ.get(variable), default)

    def has_command(self, name: str) -> bool:
        """Whether a program of that name is on the PATH."""
        return shutil.which(name, path=self.environ.get("PATH", "")) is not None


def _directory(value: str | None, default: Path) -> Path:
    return Path(value) if value and Path(value).is_absolute() else default


@dataclass(frozen=True, slots=True)
class Program:
    """One client.

    Attributes:
        name: as typed.
        title: as people call it.
        key: of the table of servers in its files.
        form: of its files; `json` takes no comments.
        typed: whether an entry says that it is `stdio`.
        project_file: below the workspace, empty when it has none.
        user_file: the file for all workspaces.
        home: the directory or file by which it is known to be used here.
        commands: by which it is known to be installed.
        next: what people do after its file has changed.
    """

    name: str
    title: str
    key: str
    form: Literal["json", "jsonc", "toml"]
    typed: bool
    project_file: str
    user_file: Callable[[Surroundings], Path]
    home: Callable[[Surroundings], Path]
    commands: tuple[str, ...]
    next: str

    def scopes(self) -> tuple[Scope, ...]:
        """Those it has, the one taken by default first."""
        return ("project", "user") if self.project_file else ("user",)

    def file(self, scope: Scope, around: Surroundings) -> Path:
        """Its file of that scope."""
        return around.workspace / self.project_file if scope == "project" else self.user_file(around)

    def is_there(self, around: Surroundings) -> bool:
        """Whether it is installed or was used here, as far as can be told."""
        return any(map(around.has_command, self.commands)) or self.home(around).exists()

    def entry(self, launch: Launch) -> dict[str, Any]:
        """How its files write a server."""
        return ({"type": "stdio"} if self.typed else {}) | launch.as_json()


PROGRAMS = (
    Program(
        name="claude-code",
        title="Claude Code",
        key="mcpServers",
        form="json",
        typed=True,
        project_file=".mcp.json",
        user_file=lambda around: around.named("CLAUDE_CONFIG_DIR", around.home) / ".claude.json",
        home=lambda around: around.named("CLAUDE_CONFIG_DIR", around.home / ".claude"),
        commands=("claude",),
        next="start claude anew in the workspace and say yes when it asks; /mcp shows the server",
    ),
    Program(
        name="claude-desktop",
        title="Claude Desktop",
        key="mcpServers",
        form="json",
        typed=False,
        project_file="",
        user_file=lambda around: around.configuration / "Claude" / "claude_desktop_config.json",
        home=lambda around: around.configuration / "Claude",
        commands=("claude-desktop",),
        next="quit Claude Desktop altogether and start it again",
    ),
    Program(
        name="cursor",
        title="Cursor",
        key="mcpServers",
        form="jsonc",
        typed=False,
        project_file=".cursor/mcp.json",
        user_file=lambda around: around.home / ".cursor" / "mcp.json",
        home=lambda around: around.home / ".cursor",
        commands=("cursor",),
        next="switch the server on in Cursor's settings, under MCP",
    ),
    Program(
        name="vscode",
        title="VS Code",
        key="servers",
        form="jsonc",
        typed=True,
        project_file=".vscode/mcp.json",
        user_file=lambda around: around.configuration / "Code" / "User" / "mcp.json",
        home=lambda around: around.configuration / "Code" / "User",
        commands=("code",),
        next="run 'MCP: List Servers' in VS Code, start the server and trust it",
    ),
    Program(
        name="codex",
        title="Codex",
        key="mcp_servers",
        form="toml",
        typed=False,
        project_file=".codex/config.toml",
        user_file=lambda around: around.named("CODEX_HOME", around.home / ".codex") / "config.toml",
        home=lambda around: around.named("CODEX_HOME", around.home / ".codex"),
        commands=("codex",),
        next="start codex anew; it reads the workspace's file only where you trust the workspace",
    ),
)
