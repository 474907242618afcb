"""`docgenctl describe`: all about a stack on one page, whether it runs, is stopped or was never started."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from docgenctl import __version__
from docgenctl.actions.client_keys import in_force, list_keys
from docgenctl.actions.open_engine import open_engine
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.settle_health import settle_health
from docgenctl.actions.sketch_stack import Sketch, sketch_stack
from docgenctl.certificates.inspection import CertificateFacts, inspect_certificates
from docgenctl.configuration.environment import variables_in_force
from docgenctl.endpoint.address import host_of
from docgenctl.model.client_key import DEFAULT_KEY, KeyState
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import EngineInfo, Observation
from docgenctl.model.stack import Service
from docgenctl.planning.assemble_stack import COMPOSE_FILE
from docgenctl.planning.trace_topology import has_way_out, meaning
from docgenctl.secrets.stack_secrets import SecretFacts, secret_facts
from docgenctl.state.store import StateStore

#: Said wherever the engine gives isolation; `docgenctl prove` shows it.
ISOLATED = "each server reaches the orchestrator and the egress proxy alone; docgenctl prove shows it"
NOT_ISOLATED = "none: services run as processes of this machine, with your rights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A published port: where it is, what it leads to, who uses it. `port` is a range until it is chosen."""

    url: str
    port: str
    purpose: str
    used_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialEndpoint:
    """A path below `/mcp` on the door to everything: of one server, or `named` in docgen.yaml."""

    path: str
    url: str
    named: bool
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """A service as it shall run, and as it does: `state` is empty where there is no container."""

    name: str
    state: str
    health: str
    reaches: tuple[str, ...]
    networks: tuple[str, ...]
    image: str
    image_id: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """A network; `subnet` is empty until it is chosen."""

    key: str
    name: str
    subnet: str
    closed: bool
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """A volume; `survives_down` is false for what `docgenctl down` removes."""

    name: str
    purpose: str
    exists: bool
    survives_down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """A key made for a client and not revoked: `active` or `expired`; `expires` is None for never."""

    name: str
    state: str
    scopes: tuple[str, ...]
    expires: str | None


@dataclass(frozen=True, kw_only=True)
class Description:
    """All of it. `state` is `running`, `partly running`, `stopped`, `down`, `never started` or `unknown`.

    `engine` is None, and `engine_error` says why, when none could be asked; `state` is then `never started`
    or `unknown`. `files` maps what a file is to where it lies (or would lie).
    """

    project: str
    directory: str
    state: str
    engine: EngineInfo | None
    engine_error: str
    isolation: str
    doors: tuple[Door, ...]
    endpoints: tuple[PartialEndpoint, ...]
    services: tuple[ServiceFacts, ...]
    networks: tuple[NetworkFacts, ...]
    volumes: tuple[VolumeFacts, ...]
    files: Mapping[str, str]
    certificates: tuple[CertificateFacts, ...]
    secrets: tuple[SecretFacts, ...]
    keys: tuple[KeyFacts, ...]
    versions: Mapping[str, str]


def describe(opened: OpenProject) -> Description:
    """Everything that is known; an engine that cannot be asked is part of the description, not an error."""
    sketch = sketch_stack(opened)
    info, seen, problem = _ask(opened)
    isolated = (info.isolates if info else True) and sketch.blueprint.isolates
    environ = variables_in_force(opened.project.directory, opened.environ)
    return Description(
        project=opened.project.name,
        directory=str(opened.project.directory),
        state=_state(sketch, seen),
        engine=info,
        engine_error=problem,
        isolation=ISOLATED if isolated else NOT_ISOLATED,
        doors=_doors(sketch),
        endpoints=_endpoints(sketch),
        services=tuple(_service(service, sketch, seen) for service in sketch.stack.services),
        networks=_networks(sketch),
        volumes=_volumes(sketch, seen),
        files=_files(opened),
        certificates=inspect_certificates(opened.state_dir),
        secrets=secret_facts(opened.state_dir, sketch.blueprint.servers, environ),
        keys=_keys(opened),
        versions=_versions(opened),
    )


def _keys(opened: OpenProject) -> tuple[KeyFacts, ...]:
    """The default key is told among the secrets."""
    return tuple(
        KeyFacts(name=key.name, state=state.value, scopes=key.scopes, expires=key.expires)
        for key, state in in_force(list_keys(opened))
        if key.name != DEFAULT_KEY and state is not KeyState.REVOKED
    )


def _ask(opened: OpenProject) -> tuple[EngineInfo | None, Observation | None, str]:
    try:
        engine = open_engine(opened)
        seen = engine.observe(opened.project.name)
        return engine.info(), replace(seen, containers=settle_health(seen.containers, engine)), ""
    except EngineError as error:
        return None, None, error.message


def _state(sketch: Sketch, seen: Observation | None) -> str:
    if not sketch.state.ports and (seen is None or not seen.containers):
        return "never started"
    if seen is None:
        return "unknown"
    if not seen.containers:
        return "down"
    running = sum(container.state == "running" for container in seen.containers)
    if not running:
        return "stopped"
    return "running" if running >= len(sketch.stack.services) else "partly running"


def _doors(sketch: Sketch) -> tuple[Door, ...]:
    doors = []
    for service in sketch.stack.services:
        for port in service.ports:
            health = port.purpose.endswith("_health")
            doors.append(
                Door(
                    url=_url(port.purpose, "/health/ready" if health else "/mcp", sketch),
                    port=sketch.port_words[port.purpose],
                    purpose=meaning(port),
                    used_by="monitors, without a key" if health else "MCP clients, with the API key",
                )
            )
    return tuple(doors)


def _endpoints(sketch: Sketch) -> tuple[PartialEndpoint, ...]:
    """Those of servers, then the named ones, as configured; how much they show, a running stack knows."""
    named = sketch.blueprint.settings.endpoints
    running = sorted(server.name for server in sketch.blueprint.servers)
    servers: dict[str, tuple[str, ...]] = {name: (name,) for name in running}
    servers |= {name: named[name].taken_from(running) for name in sorted(named)}
    return tuple(
        PartialEndpoint(
            path=f"/mcp/{name}",
            url=_url("orchestrator", f"/mcp/{name}", sketch),
            named=name in named,
            servers=shown,
        )
        for name, shown in servers.items()
    )


def _url(purpose: str, path: str, sketch: Sketch) -> str:
    host = host_of(sketch.blueprint.settings.ports.bind)
    return f"https://{host}:{sketch.port_words[purpose]}{path}"


def _service(service: Service, sketch: Sketch, seen: Observation | None) -> ServiceFacts:
    container = seen.container(service.name) if seen else None
    networks = tuple(place.network for place in service.networks)
    others = {
        other.name
        for other in sketch.stack.services
        if other is not service and any(place.network in networks for place in other.networks)
    }
    stack = sketch.stack
    out = any(has_way_out(stack.network(key), stack) for key in networks)
    return ServiceFacts(
        name=service.name,
        state=container.state if container else "",
        health=container.health.value if container and container.state == "running" else "",
        reaches=(*sorted(others), *(("outside",) if out else ())),
        networks=networks,
        image=container.image if container else "",
        image_id=container.image_id if container else "",
        user=service.user,
    )


def _networks(sketch: Sketch) -> tuple[NetworkFacts, ...]:
    return tuple(
        NetworkFacts(
            key=network.key,
            name=network.name,
            subnet=network.subnet,
            closed=network.closed,
            members=tuple(
                service.name
                for service in sketch.stack.services
                if any(place.network == network.key for place in service.networks)
            ),
        )
        for network in sketch.stack.networks
    )


def _volumes(sketch: Sketch, seen: Observation | None) -> tuple[VolumeFacts, ...]:
    there = {volume.name for volume in seen.volumes} if seen else set()
    return tuple(
        VolumeFacts(
            name=volume.name,
            purpose=volume.purpose.value,
            exists=volume.name in there,
            survives_down=volume.purpose.kept_by_down,
        )
        for volume in sketch.stack.volumes
    )


def _files(opened: OpenProject) -> dict[str, str]:
    directory, state_dir = opened.project.directory, opened.state_dir
    settings = opened.configuration.file
    return {
        "settings": str(settings) if settings else f"{directory / 'docgen.yaml'} (not there: defaults hold)",
        "compose file": str(directory / COMPOSE_FILE),
        "documents": str(Path(directory, opened.configuration.settings.workspace.output)),
        "state": str(state_dir),
        "certificate to trust": str(state_dir / "ca" / "root.pem"),
        "API key": str(state_dir / "api-key"),
    }


def _versions(opened: OpenProject) -> dict[str, str]:
    state = StateStore(opened.state_dir).read()
    good = state.last_good
    images = good["stack"].get("services", []) if isinstance(good, dict) and "stack" in good else []
    told = ", ".join(str(image.get("image", "")) for image in images if isinstance(image, dict))
    return {
        "docgenctl": __version__,
        "last good version": told or "none recorded (docgenctl deploy records it)",
    }
