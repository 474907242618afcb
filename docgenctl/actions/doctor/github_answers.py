"""What the servers of the image `github` are set up for, and what they say when asked about their token.

The question goes the way that every call goes: gateway, orchestrator, server, egress proxy. So the answer is
about GitHub as the server sees it, and the token is looked at where it is used; it never comes back here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from docgenctl.actions.ask_server import ask
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.configuration.environment import variables_in_force
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.endpoint.route_table import fetch_route_table
from docgenctl.model.blueprint import Server
from docgenctl.model.errors import DocgenError, NotHealthyError
from docgenctl.model.github_token import is_sendable, token_kind
from docgenctl.model.routes import RoutedServer, RouteTable
from docgenctl.planning.resolve_servers import resolve_servers

IMAGE = "github"
TOOL = "github_diagnose"
_TOKEN = "github-token"  # noqa: S105 - the name of a secret
#: Seconds of silence: longer than the server gives GitHub (8 s and 12 s), shorter than the check has.
_SILENCE_S = 25.0


@dataclass(frozen=True, kw_only=True)
class GithubSettings:
    """One server as docgen.yaml and the variables set it up.

    `variable` is where its token comes from; `kind` and `sendable` are all that is kept of the token.
    """

    name: str
    options: Mapping[str, Any]
    variable: str
    kind: str
    sendable: bool

    def option(self, name: str) -> str:
        """The key path of an option."""
        return f"servers/{self.name}/options/{name}"

    def items(self, name: str) -> tuple[str, ...]:
        """A list among the options."""
        return tuple(map(str, self.options.get(name) or ()))

    @property
    def used(self) -> bool:
        """Whether anything may be read; without, nothing is asked and no way out is open."""
        return bool(self.items("repositories"))

    @property
    def writes(self) -> bool:
        """Whether anything may be changed."""
        return self.options.get("read_only") is False and bool(self.items("write_repositories"))

    @property
    def host(self) -> str:
        """Host of the API, with its port where it names one."""
        return urlsplit(str(self.options.get("api_url", ""))).netloc


class Rate(BaseModel):
    """Requests per window, those that are left, and when it ends."""

    limit: int
    remaining: int
    reset: datetime


class Missing(BaseModel):
    """A right that is missing, where (None: everywhere), and the tools that cannot work without it."""

    right: str
    repository: str | None
    disables: tuple[str, ...]
    what: str


class Access(BaseModel):
    """One repository of the allowlist."""

    full_name: str
    reachable: bool
    private: bool | None
    push: bool | None
    problem: str | None


class Diagnosis(BaseModel):
    """The answer of the tool; `Diagnosis` in docgen_github says what each field means."""

    kind: str
    api_host: str
    egress_proxy: bool
    reached: bool | None
    accepted: bool | None
    problem: str | None
    login: str | None
    scopes: tuple[str, ...] | None
    expires: datetime | None
    expires_in_days: int | None
    rate: Rate | None
    toolsets: tuple[str, ...]
    read_only: bool
    allowed: tuple[str, ...]
    writable: tuple[str, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]
    repositories: tuple[Access, ...]
    not_asked: tuple[str, ...]


@dataclass(frozen=True)
class GithubAnswer:
    """One server and its diagnosis, or why there is none; `names` are what callers know its tools by."""

    settings: GithubSettings
    told: Diagnosis | None = None
    why_not: DocgenError | None = None
    names: Mapping[str, str] | None = None

    def tool(self, own_name: str) -> str:
        """The name under which clients see a tool."""
        return (self.names or {}).get(own_name) or own_name


def github_settings(opened: OpenProject) -> tuple[GithubSettings, ...]:
    """Every enabled server of the image, sorted by name."""
    environ = variables_in_force(opened.configuration.directory, opened.environ)
    servers = resolve_servers(opened.configuration.settings, opened.facts)
    return tuple(_settings(server, environ) for server in servers if server.facts.name == IMAGE)


def ask_github_servers(opened: OpenProject) -> tuple[GithubAnswer, ...]:
    """Each server with its answer; only those are asked that may read anything."""
    found = github_settings(opened)
    if not any(settings.used for settings in found):
        return tuple(GithubAnswer(settings) for settings in found)
    try:
        endpoint = _endpoint(opened)
        table = fetch_route_table(endpoint)
    except DocgenError as error:
        return tuple(GithubAnswer(settings, why_not=error) for settings in found)
    return tuple(_answer(settings, endpoint, table) for settings in found)


def _settings(server: Server, environ: Mapping[str, str]) -> GithubSettings:
    variable = next((fact.environment for fact in server.secrets if fact.name == _TOKEN), "GITHUB_TOKEN")
    token = environ.get(variable, "").strip()
    return GithubSettings(
        name=server.name,
        options=server.options,
        variable=variable,
        kind=token_kind(token),
        sendable=is_sendable(token),
    )


def _endpoint(opened: OpenProject) -> Endpoint:
    """Where the stack is. Raises NotHealthyError when it was never started, without making its directory."""
    if not opened.state_dir.is_dir():
        raise NotHealthyError(
            "this stack was never started", hint="start it with: docgenctl up", code="never_started"
        )
    return find_endpoint(opened)


def _answer(settings: GithubSettings, endpoint: Endpoint, table: RouteTable) -> GithubAnswer:
    if not settings.used:
        return GithubAnswer(settings)
    try:
        server = _routed(table, settings.name)
        name = _callable(server)
        # Its own path: at the common one, two servers of this image hide each other's tools.
        own = replace(endpoint, url=f"{endpoint.url}/{settings.name}")
        with McpEndpoint(own, timeout_s=_SILENCE_S) as client:
            told = Diagnosis.model_validate(ask(client, name, {}))
    except DocgenError as error:
        return GithubAnswer(settings, why_not=error)
    except ValidationError:
        return GithubAnswer(settings, why_not=_outdated(settings.name))
    names = {tool.own_name: tool.name for tool in server.tools if tool.name}
    return GithubAnswer(settings, told=told, names=names)


def _routed(table: RouteTable, name: str) -> RoutedServer:
    for server in table.servers:
        if server.name == name:
            if server.down:
                raise NotHealthyError(
                    f"the server {name} cannot be reached: {server.down}",
                    hint=f"docgenctl health; docgenctl logs {name}",
                )
            return server
    raise NotHealthyError(f"the running stack has no server {name} yet", hint="docgenctl up")


def _callable(server: RoutedServer) -> str:
    """The name to call the tool by. Raises NotHealthyError where the settings keep it from being called."""
    for tool in server.tools:
        if tool.own_name == TOOL:
            if tool.held:
                raise NotHealthyError(
                    f"{TOOL} of {server.name} is held back: {tool.held}",
                    hint=f"docgenctl tools inspect {tool.name}",
                )
            if tool.denied or not tool.name:
                raise NotHealthyError(
                    f"servers/{server.name}/tools does not offer {TOOL}",
                    hint=f"let servers/{server.name}/tools (allow, deny) offer {TOOL}; then: docgenctl up",
                )
            return tool.name
    raise _outdated(server.name)


def _outdated(name: str) -> NotHealthyError:
    return NotHealthyError(f"the running server {name} is of another version", hint="docgenctl up")
