"""Where clients reach a running stack."""

from collections.abc import Iterable

from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.address import Endpoint, host_of
from docgenctl.model.blueprint import Server
from docgenctl.model.errors import NotHealthyError, UsageError
from docgenctl.model.settings import Settings
from docgenctl.planning.resolve_servers import resolve_servers
from docgenctl.secrets.stack_secrets import API_KEY_FILE
from docgenctl.state.store import StateStore


def partial_endpoints(settings: Settings, servers: Iterable[Server]) -> frozenset[str]:
    """What follows `/mcp/`: the names of servers, and those that docgen.yaml gives."""
    return frozenset(server.name for server in servers) | frozenset(settings.endpoints)


def find_endpoint(opened: OpenProject, purpose: str = "orchestrator") -> Endpoint:
    """The endpoint of the orchestrator, of one server by its name, or a named one of docgen.yaml.

    A server has a port of its own or, like a named endpoint, a path of its own on the orchestrator's. Raises
    UsageError when there is no such endpoint, NotHealthyError when the stack was never started from here.
    """
    settings = opened.configuration.settings
    servers = resolve_servers(settings, opened.facts)
    ports = {"orchestrator", *(server.name for server in servers if server.gateway_port is not None)}
    paths = partial_endpoints(settings, servers)
    if purpose not in ports | paths:
        known = ", ".join(("orchestrator", *sorted(paths)))
        raise UsageError(f"there is no endpoint {purpose}", hint=f"endpoints: {known}")
    state = StateStore(opened.state_dir).read()
    port = state.ports.get(purpose if purpose in ports else "orchestrator")
    path = "/mcp" if purpose in ports else f"/mcp/{purpose}"
    key_file = opened.state_dir / API_KEY_FILE
    root_file = opened.state_dir / "ca" / "root.pem"
    if port is None or not key_file.exists() or not root_file.exists():
        raise NotHealthyError(
            "this stack was never started", hint="start it with: docgenctl up", code="never_started"
        )
    host = host_of(settings.ports.bind)
    return Endpoint(url=f"https://{host}:{port}{path}", ca_file=root_file, api_key_file=key_file)
