"""From a blueprint, images and content versions to the complete stack: who sits where, and may do what."""

from collections.abc import Mapping
from dataclasses import replace

from docgenctl.model.blueprint import (
    CONFIG_TARGET,
    DATA_TARGET,
    EGRESS_PORT,
    GATEWAY_PORT,
    GATEWAY_STATUS_PORT,
    PACKAGES_TARGET,
    SCRATCH_TARGET,
    SECRETS_TARGET,
    SERVER_PORT,
    VALKEY_PORT,
    WORKSPACE_TARGET,
    Blueprint,
    Origin,
    Server,
    origin_name,
    packages_of_process,
)
from docgenctl.model.stack import (
    LABEL_PROJECT_ID,
    BindMount,
    Limits,
    Network,
    PortBinding,
    Reload,
    Stack,
    VolumePurpose,
)
from docgenctl.planning.stack_part import (
    CHECK_TIMEOUT_S,
    FIXED_OWNER,
    ImageChoice,
    Part,
    volume_key,
)

__all__ = ["CHECK_TIMEOUT_S", "FIXED_OWNER", "ImageChoice", "volume_key"]

COMPOSE_FILE = "docker-compose.mcp.yml"
FRONTEND, ORCHESTRATOR_NETWORK, EGRESS_NETWORK = "mcp-frontend", "mcp-orchestrator", "mcp-egress"
VALKEY_NETWORK = "mcp-valkey"


def server_network(name: str) -> str:
    """Key of the network that a server shares with the orchestrator and the egress proxy alone."""
    return f"mcp-{name}"


def network_keys(server_names: tuple[str, ...], *, shared_limits: bool = False) -> tuple[str, ...]:
    """Keys of all networks of a stack with these servers, and with a store of rates if there is one."""
    servers = tuple(server_network(name) for name in server_names)
    store = (VALKEY_NETWORK,) if shared_limits else ()
    return (FRONTEND, ORCHESTRATOR_NETWORK, *servers, *store, EGRESS_NETWORK)


def is_open(network: str) -> bool:
    """Whether a network has a way to the host or beyond."""
    return network in (FRONTEND, EGRESS_NETWORK)


def service_names(blueprint: Blueprint) -> tuple[str, ...]:
    """Names of all services, dependencies first."""
    egress = ("egress",) if blueprint.isolates else ()
    store = ("valkey",) if blueprint.shared_limits else ()
    servers = (
        name
        for server in blueprint.servers
        for name in ((origin_name(server.name), server.name) if server.origin else (server.name,))
    )
    return (*servers, *egress, *store, "orchestrator", "gateway")


def assemble_stack(
    blueprint: Blueprint, images: Mapping[str, ImageChoice], content_versions: Mapping[str, str]
) -> Stack:
    """The stack of this blueprint.

    `images` maps every service to its image; `content_versions` maps every volume key that holds
    configuration or secrets to the version of its content, so that a service is recreated when what it
    was started with has changed.
    """
    labels = {LABEL_PROJECT_ID: blueprint.project.id}
    services = (
        *(part for server in blueprint.servers for part in _server_parts(server, blueprint)),
        *((_egress(blueprint),) if blueprint.isolates else ()),
        *((_valkey(blueprint),) if blueprint.shared_limits else ()),
        _orchestrator(blueprint),
        _gateway(blueprint),
    )
    return Stack(
        project=blueprint.project.name,
        project_id=blueprint.project.id,
        workspace=str(blueprint.project.directory),
        compose_file=str(blueprint.project.directory / COMPOSE_FILE),
        services=tuple(part.finish(blueprint, images, content_versions) for part in services),
        networks=_networks(blueprint, labels),
        volumes=tuple(volume for part in services for volume in part.volumes(blueprint, labels)),
    )


def _server_parts(server: Server, blueprint: Blueprint) -> tuple[Part, ...]:
    """A server of ours is one service; the image of somebody else has its adapter beside it."""
    own = _server(server, blueprint)
    if server.origin is None:
        return (own,)
    return _origin(server, server.origin), replace(own, depends_on=(origin_name(server.name),))


def _origin(server: Server, origin: Origin) -> Part:
    """The container of an image of others, which is told the way out as most programs know it."""
    proxy = f"http://egress:{EGRESS_PORT}"
    ways = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    purposes = [VolumePurpose.SECRETS, VolumePurpose.SCRATCH]
    return Part(
        name=origin_name(server.name),
        networks=(server_network(server.name),),
        limits=server.limits,
        health_command=(),
        environment={**ways, "NO_PROXY": "localhost,127.0.0.1", **origin.environment},
        purposes=tuple([*purposes, VolumePurpose.DATA] if server.data else purposes),
    )


def _server(server: Server, blueprint: Blueprint) -> Part:
    environment = _server_environment(server.name, blueprint)
    if blueprint.isolates:
        environment["DOCGEN_EGRESS_PROXY"] = f"http://egress:{EGRESS_PORT}"
    binds: tuple[BindMount, ...] = ()
    purposes = [VolumePurpose.CONFIG, VolumePurpose.SECRETS, VolumePurpose.SCRATCH]
    environment["DOCGEN_SCRATCH"] = SCRATCH_TARGET
    if server.packages:
        environment["DOCGEN_PACKAGES"] = (
            PACKAGES_TARGET if blueprint.isolates else packages_of_process(server.name)
        )
    if server.data and server.origin is None:
        purposes.append(VolumePurpose.DATA)
        environment["DOCGEN_DATA"] = DATA_TARGET
    if server.facts.workspace:
        settings = blueprint.settings.workspace
        binds = _workspace_binds(blueprint)
        environment |= {
            "DOCGEN_WORKSPACE": WORKSPACE_TARGET,
            "DOCGEN_WORKSPACE_NAME": blueprint.project.directory.name,
            "DOCGEN_OUTPUT": settings.output,
            "DOCGEN_WRITABLE": "1" if settings.writable else "0",
        }
    return Part(
        name=server.name,
        networks=(server_network(server.name),),
        limits=server.limits,
        health_command=_python_health(blueprint),
        environment=environment,
        command=_python_command(server.facts.module, blueprint),
        owner=blueprint.owner if server.facts.workspace else FIXED_OWNER,
        purposes=tuple(purposes),
        binds=binds,
    )


def _workspace_binds(blueprint: Blueprint) -> tuple[BindMount, ...]:
    """The workspace read-only and the output folder writable on top, or all of it writable on request."""
    source = str(blueprint.project.directory)
    settings = blueprint.settings.workspace
    if settings.writable or settings.output == ".":
        return (BindMount(source=source, target=WORKSPACE_TARGET, read_only=False),)
    return (
        BindMount(source=source, target=WORKSPACE_TARGET, read_only=True),
        BindMount(
            source=f"{source}/{settings.output}",
            target=f"{WORKSPACE_TARGET}/{settings.output}",
            read_only=False,
        ),
    )


def _orchestrator(blueprint: Blueprint) -> Part:
    names = tuple(server.name for server in blueprint.servers)
    environment = _server_environment("orchestrator", blueprint)
    if blueprint.settings.orchestrator.legacy_sessions:
        # Read at its start only, so that it must be something that the container is made anew for.
        environment["DOCGEN_LEGACY_SESSIONS"] = "1"
    store = ("valkey",) if blueprint.shared_limits else ()
    return Part(
        name="orchestrator",
        networks=(ORCHESTRATOR_NETWORK, *(server_network(name) for name in (*names, *store))),
        limits=_general_limits(blueprint),
        health_command=_python_health(blueprint),
        environment=environment,
        command=_python_command("docgen_orchestrator", blueprint),
        depends_on=(*names, *store),
        # It looks for another routing.yaml by itself; a process is told its servers' sockets at its start.
        reload=Reload() if blueprint.isolates else None,
        replicas=blueprint.replicas,
        admitted_on=ORCHESTRATOR_NETWORK,
    )


def _egress(blueprint: Blueprint) -> Part:
    return Part(
        name="egress",
        networks=(*(server_network(server.name) for server in blueprint.servers), EGRESS_NETWORK),
        limits=_general_limits(blueprint),
        health_command=_proxy_health(EGRESS_PORT, "http://healthcheck.invalid/"),
        environment={},
        purposes=(VolumePurpose.CONFIG,),
        reload=_controlled("{config}"),
        dns=(),
        dns_options=(),
    )


def _valkey(blueprint: Blueprint) -> Part:
    return Part(
        name="valkey",
        networks=(VALKEY_NETWORK,),
        limits=_general_limits(blueprint),
        health_command=_proxy_health(VALKEY_PORT, "PING"),
        environment={},
        purposes=(VolumePurpose.CONFIG, VolumePurpose.SECRETS, VolumePurpose.SCRATCH),
    )


def _gateway(blueprint: Blueprint) -> Part:
    bind = blueprint.settings.ports.bind
    inside = {"orchestrator": GATEWAY_PORT}
    for server in blueprint.servers:
        if server.gateway_port is not None:
            inside[server.name] = server.gateway_port
        if server.gateway_health_port is not None:
            inside[f"{server.name}_health"] = server.gateway_health_port
    return Part(
        name="gateway",
        networks=(FRONTEND, ORCHESTRATOR_NETWORK),
        limits=_general_limits(blueprint),
        health_command=_proxy_health(GATEWAY_STATUS_PORT, "/health")
        if blueprint.isolates
        else _SOCKET_HEALTH,
        environment={} if blueprint.isolates else _server_environment("gateway", blueprint),
        command=_python_command("docgen_orchestrator.doors", blueprint),
        ports=tuple(
            PortBinding(
                purpose=purpose,
                host_ip=bind,
                host_port=blueprint.ports[purpose],
                container_port=container_port,
            )
            for purpose, container_port in inside.items()
        ),
        depends_on=("orchestrator",),
        reload=_controlled("{config}", "{secrets}") if blueprint.isolates else None,
    )


def _server_environment(name: str, blueprint: Blueprint) -> dict[str, str]:
    return {
        "DOCGEN_SERVER": name,
        "DOCGEN_BIND": "0.0.0.0",  # noqa: S104 - inside the container, on closed networks only
        "DOCGEN_PORT": str(SERVER_PORT),
        "DOCGEN_CONFIG_DIR": f"{CONFIG_TARGET}/current",
        "DOCGEN_SECRETS_DIR": f"{SECRETS_TARGET}/current",
        "DOCGEN_MAX_BODY_BYTES": str(blueprint.settings.gateway.max_body),
        "MCP_ENV": blueprint.settings.environment,
        "MCP_LOG_LEVEL": blueprint.settings.log_level,
    }


def _general_limits(blueprint: Blueprint) -> Limits:
    limits = blueprint.settings.limits
    return Limits(cpus=limits.cpus, memory_bytes=limits.memory, pids=limits.pids)


_PYTHON = "/opt/docgen/venv/bin/python"
_PYTHON_HEALTH = (_PYTHON, "-I", "-S", "/opt/docgen/app/docgen_common/healthcheck.py")
_SOCKET_HEALTH = (_PYTHON, "-I", "-S", "/opt/docgen/app/docgen_common/socket_check.py")


def _python_health(blueprint: Blueprint) -> tuple[str, ...]:
    return _PYTHON_HEALTH if blueprint.isolates else _SOCKET_HEALTH


def _python_command(module: str, blueprint: Blueprint) -> tuple[str, ...]:
    """Containers run what their image says; processes share one image, so each says what it is."""
    return () if blueprint.isolates else (_PYTHON, "-m", module)


def _proxy_health(port: int, target: str) -> tuple[str, ...]:
    """A check for images without Python: a script in the configuration volume asks the service itself."""
    return ("bash", f"{CONFIG_TARGET}/current/healthcheck.bash", str(port), target)


def _controlled(*places: str) -> Reload:
    """By the script that each proxy has beside its configuration."""
    return Reload(
        check=("bash", "{config}/control.bash", "check", *places),
        apply=("bash", f"{CONFIG_TARGET}/current/control.bash", "reload"),
    )


def _networks(blueprint: Blueprint, labels: Mapping[str, str]) -> tuple[Network, ...]:
    names = tuple(server.name for server in blueprint.servers)
    keys = network_keys(names, shared_limits=blueprint.shared_limits)
    if not blueprint.isolates:
        keys = tuple(key for key in keys if key != EGRESS_NETWORK)
    return tuple(
        Network(
            key=key,
            name=f"{blueprint.project.name}_{key}",
            subnet=blueprint.subnets[key],
            closed=blueprint.isolates and not is_open(key),
            masquerade=key != FRONTEND,
            labels=labels,
        )
        for key in keys
    )
