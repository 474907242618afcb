"""Where clients reach a running stack."""

from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.address import Endpoint, host_of
from docgenctl.model.errors import NotHealthyError, UsageError
from docgenctl.planning.resolve_servers import resolve_servers
from docgenctl.secrets.stack_secrets import API_KEY_FILE
from docgenctl.state.store import StateStore


def find_endpoint(opened: OpenProject, purpose: str = "orchestrator") -> Endpoint:
    """The endpoint of the orchestrator, or of one server by its name.

    Raises UsageError when no such server has one, NotHealthyError when the stack was never started from here.
    """
    settings = opened.configuration.settings
    servers = resolve_servers(settings, opened.facts)
    doors = ("orchestrator", *(server.name for server in servers if server.gateway_port is not None))
    if purpose not in doors:
        raise UsageError(
            f"no server {purpose} has an endpoint of its own", hint=f"endpoints: {', '.join(doors)}"
        )
    state = StateStore(opened.state_dir).read()
    port = state.ports.get(purpose)
    key_file = opened.state_dir / API_KEY_FILE
    root_file = opened.state_dir / "ca" / "root.pem"
    if port is None or not key_file.exists() or not root_file.exists():
        raise NotHealthyError(
            "this stack was never started", hint="start it with: docgenctl up", code="never_started"
        )
    host = host_of(settings.ports.bind)
    return Endpoint(url=f"https://{host}:{port}/mcp", ca_file=root_file, api_key_file=key_file)
