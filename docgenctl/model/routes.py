"""What owns what, as the orchestrator tells those who run the stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd in a description: `hidden` characters, or text like an `instruction` to a model."""

    kind: str
    where: str
    what: str
    excerpt: str = ""

    def __str__(self) -> str:
        quoted = f": {self.excerpt}" if self.excerpt else ""
        return f"{self.where}: {self.what}{quoted}"


@dataclass(frozen=True, slots=True)
class RoutedTool:
    """One tool of one server.

    `name` is what callers know it by, empty for one that is denied. `standing` says how its definition
    compares with the known one: `unseen`, `known`, `new` or `changed`. `held` is why it is held back, empty
    when it is not. `endpoints` are the paths where it can be called.
    """

    server: str
    own_name: str
    name: str
    denied: bool
    held: str
    standing: str
    digest: str
    read_only: bool
    timeout_s: float
    rate: str
    endpoints: tuple[str, ...]
    findings: tuple[Finding, ...]
    definition: Mapping[str, Any]

    @property
    def changed(self) -> bool:
        """Whether its definition is not the known one."""
        return self.standing in ("new", "changed")


@dataclass(frozen=True, slots=True)
class OddText:
    """A finding with what it is about: a `prompt`, `resource` or `resource template`, and its name."""

    of: str
    name: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class RoutedServer:
    """One server; `down` is why it cannot be reached, empty when it can. `told` says that it told its tools.

    `policy_without_tool` is what its settings say about tools that it does not have, `policy_without_part`
    the same of resources and prompts. `odd_texts` are findings in all that is no tool.
    """

    name: str
    down: str
    told: bool
    changes: str
    policy_without_tool: tuple[str, ...]
    tools: tuple[RoutedTool, ...]
    odd_texts: tuple[OddText, ...] = ()
    policy_without_part: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutedEndpoint:
    """One path at which MCP is spoken, with how much it shows.

    `without_tool` are patterns of its `tools` that match nothing there.
    """

    path: str
    servers: tuple[str, ...]
    tools: int
    resources: int
    prompts: int
    without_tool: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Everything; `collisions` maps `tool x` and the like to who offers it. `raw` is all of it as JSON."""

    servers: tuple[RoutedServer, ...]
    endpoints: tuple[RoutedEndpoint, ...]
    collisions: Mapping[str, tuple[str, ...]]
    raw: Mapping[str, Any]

    @property
    def tools(self) -> tuple[RoutedTool, ...]:
        """The tools of all servers."""
        return tuple(tool for server in self.servers for tool in server.tools)

    def server(self, name: str) -> RoutedServer | None:
        """The server of that name."""
        return next((server for server in self.servers if server.name == name), None)

    def named(self, name: str) -> tuple[RoutedTool, ...]:
        """Tools that callers know by this name; without any, those whose servers call them so."""
        shown = tuple(tool for tool in self.tools if tool.name == name)
        return shown or tuple(tool for tool in self.tools if tool.own_name == name)
