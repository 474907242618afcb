"""What haproxy.cfg is told: its frontends, their routes, and the names the gateway goes by."""

from dataclasses import asdict, dataclass
from pathlib import Path

from docgenctl.model.blueprint import (
    CONFIG_TARGET,
    GATEWAY_ADMIN_PORT,
    GATEWAY_PORT,
    GATEWAY_STATUS_PORT,
    SECRETS_TARGET,
    SERVER_PORT,
    Blueprint,
    Server,
)
from docgenctl.model.setting_values import rate_window
from docgenctl.model.settings import MOST_REPLICAS
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.quoting import quote_regex
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "gateway/haproxy.cfg.j2"
CONTROL_TEMPLATE = "gateway/control.bash.j2"
DOORS_TEMPLATE = "gateway/gateway.json.j2"

#: Names by which a machine knows itself; browsers give none of them a meaning across machines.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

#: Headers that say who a caller is or where it came from, besides the families deleted by their beginning.
STRIPPED_HEADERS = (
    "Forwarded",
    "X-Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-HTTP-Method-Override",
    "Proxy",
    "Proxy-Authorization",
)

STRIPPED_BEGINNINGS = ("X-Forwarded-", "X-Docgen-", "X-Upstream-", "X-Original-", "X-Rewrite-")

#: HAProxy's own answers, in the shape of every other error here.
GATEWAY_ERRORS = (
    (400, "bad_request", "The request could not be understood"),
    (408, "too_slow", "The request did not arrive in time"),
    (500, "internal", "The gateway failed"),
    (502, "bad_gateway", "The orchestrator broke off its answer"),
    (503, "unavailable", "The orchestrator is not there; it may be starting"),
    (504, "timeout", "The orchestrator did not answer in time"),
)

#: How long a client may leave a body unfinished or an answer unread, in seconds.
CLIENT_SILENCE_S = 30

#: How long an old worker may serve the streams it has after a reload, in seconds, and how many there may be.
LONGEST_DRAIN_S, MOST_OLD_WORKERS = 3600, 4

_CONNECTION_BYTES = 128 * 1024
_MOST_CONNECTIONS, _FEWEST_CONNECTIONS = 2000, 100
_MOST_THREADS = 16


@dataclass(frozen=True, slots=True)
class Route:
    """One path a frontend answers, and what the orchestrator is asked instead; `query` goes along if set.

    Of a `read_only` path only GET and HEAD are known, of a `post_only` one only POST is let through.
    """

    path: str
    target: str
    read_only: bool = False
    query: bool = False
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class Frontend:
    """One TLS port of the gateway."""

    name: str
    purpose: str
    port: int
    routes: tuple[Route, ...]


def render_gateway(blueprint: Blueprint, templates: Path) -> str:
    """haproxy.cfg. Raises DocgenError as `render_template` does."""
    hosts = known_hosts(blueprint)
    limits = blueprint.settings.limits
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "client_silence_s": CLIENT_SILENCE_S,
        "config": f"{CONFIG_TARGET}/current",
        "secrets": f"{SECRETS_TARGET}/current",
        "admin_port": GATEWAY_ADMIN_PORT,
        "longest_drain_s": LONGEST_DRAIN_S,
        "most_old_workers": MOST_OLD_WORKERS,
        "frontends": frontends(blueprint),
        "gateway_errors": GATEWAY_ERRORS,
        "hosts_pattern": f"^({hosts_pattern(hosts)})(:[0-9]{{1,5}})?$",
        "origins_pattern": f"^https?://({hosts_pattern(hosts)})(:[0-9]{{1,5}})?$",
        "local_hosts_pattern": rf"^({hosts_pattern(LOCAL_HOSTS)}|[0-9.]+|\[[0-9a-f:.]+\])(:[0-9]{{1,5}})?$",
        "max_body": blueprint.settings.gateway.max_body,
        "max_connections": most_connections(blueprint),
        "request_timeout_s": blueprint.settings.gateway.request_timeout_s,
        "status_port": GATEWAY_STATUS_PORT,
        "stripped_beginnings": STRIPPED_BEGINNINGS,
        "stripped_headers": STRIPPED_HEADERS,
        "threads": min(_MOST_THREADS, max(1, -int(-limits.cpus // 1))),
        "upstream": f"orchestrator:{SERVER_PORT}",
        "most_replicas": MOST_REPLICAS,
        "rate": edge_rate(blueprint),
    }
    return render_template(templates, TEMPLATE, variables)


def render_gateway_control(blueprint: Blueprint, templates: Path) -> str:
    """control.bash of the gateway: check, reload, drain and release."""
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "status_port": GATEWAY_STATUS_PORT,
        "admin_port": GATEWAY_ADMIN_PORT,
        "config": f"{CONFIG_TARGET}/current",
        "secrets": f"{SECRETS_TARGET}/current",
    }
    return render_template(templates, CONTROL_TEMPLATE, variables)


def render_doors(blueprint: Blueprint, templates: Path) -> str:
    """gateway.json: the same doors, routes, hosts and limits for the gateway of stacks without containers."""
    document = {
        "doors": [asdict(frontend) for frontend in frontends(blueprint)],
        "hosts": known_hosts(blueprint),
        "local_hosts": LOCAL_HOSTS,
        "stripped_headers": STRIPPED_HEADERS,
        "stripped_beginnings": STRIPPED_BEGINNINGS,
        "upstream": f"http://orchestrator:{SERVER_PORT}",
        "max_body": blueprint.settings.gateway.max_body,
        "max_connections": most_connections(blueprint),
        "request_timeout_s": blueprint.settings.gateway.request_timeout_s,
        "client_silence_s": CLIENT_SILENCE_S,
        "rate": edge_rate(blueprint),
    }
    return render_template(
        templates, DOORS_TEMPLATE, {"stamp": stamp_text(blueprint.tool_version), "document": document}
    )


def edge_rate(blueprint: Blueprint) -> dict[str, int] | None:
    """How many requests of one address in how many seconds, and after how many it may try again."""
    if blueprint.settings.gateway.rate is None:
        return None
    count, per_s = rate_window(blueprint.settings.gateway.rate)
    return {"count": count, "per_s": per_s, "retry_after_s": max(1, per_s // 6)}


def most_connections(blueprint: Blueprint) -> int:
    """How many connections the gateway holds at once, by its memory."""
    memory = blueprint.settings.limits.memory
    return min(_MOST_CONNECTIONS, max(_FEWEST_CONNECTIONS, memory // _CONNECTION_BYTES))


def frontends(blueprint: Blueprint) -> tuple[Frontend, ...]:
    """Every port of the gateway: everything on one, then each server's own, in the blueprint's order."""
    own = [frontend for server in blueprint.servers for frontend in _of_server(server, blueprint)]
    return (_everything(blueprint), *own)


def _mcp(path: str, target: str, blueprint: Blueprint) -> Route:
    """An MCP endpoint: what opens and ends sessions is let through only where there are any."""
    return Route(path, target, post_only=not blueprint.settings.orchestrator.legacy_sessions)


def _of_server(server: Server, blueprint: Blueprint) -> list[Frontend]:
    target = f"/health/ready/{server.name}"
    ready = tuple(Route(path, target, read_only=True) for path in ("/health", "/health/ready"))
    found = []
    if server.gateway_port is not None:
        purpose = f"Only the server {server.name}, through the orchestrator's endpoint of that name."
        routes = (_mcp("/mcp", f"/mcp/{server.name}", blueprint), *ready)
        found.append(Frontend(f"server-{server.name}", purpose, server.gateway_port, routes))
    if server.gateway_health_port is not None:
        purpose = f"The readiness of the server {server.name} and nothing else."
        found.append(Frontend(f"ready-{server.name}", purpose, server.gateway_health_port, ready))
    return found


def _everything(blueprint: Blueprint) -> Frontend:
    routes = [
        _mcp("/mcp", "/mcp", blueprint),
        Route("/events", "/events", read_only=True, query=True),
        Route("/routes", "/routes", read_only=True),
        Route("/health", "/health", read_only=True),
        Route("/health/ready", "/health/ready", read_only=True),
    ]
    for server in blueprint.servers:
        routes.append(_mcp(f"/mcp/{server.name}", f"/mcp/{server.name}", blueprint))
        ready = f"/health/ready/{server.name}"
        routes.append(Route(ready, ready, read_only=True))
    named = sorted(blueprint.settings.endpoints)
    routes += [_mcp(f"/mcp/{name}", f"/mcp/{name}", blueprint) for name in named]
    return Frontend("everything", "All servers: the endpoint that clients use.", GATEWAY_PORT, tuple(routes))


def known_hosts(blueprint: Blueprint) -> tuple[str, ...]:
    """Hosts, as requests write them, that are ours: the machine's own, the configured, the bound address."""
    bind = blueprint.settings.ports.bind
    bound = () if bind in ("0.0.0.0", "::") else (bind,)  # noqa: S104 - compared, not bound
    given = (as_written(name) for name in (*bound, *blueprint.settings.gateway.hostnames))
    return tuple(dict.fromkeys((*LOCAL_HOSTS, *given)))


def as_written(host: str) -> str:
    """A host name or address as it stands in URLs and Host headers: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def hosts_pattern(hosts: tuple[str, ...]) -> str:
    """Alternatives of a regular expression that match these hosts only."""
    return "|".join(quote_regex(host) for host in hosts)
