"""Check a stack layer by layer, from the engine's word to a real tool call with the production key."""

import time
from collections.abc import Sequence
from dataclasses import replace

from docgenctl.actions.call_canaries import PROBE_TIMEOUT_S, call_canaries, canaries_of
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.settle_health import settle_health
from docgenctl.actions.watch_crashes import trouble_of
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.endpoint.probe import probe_discover, probe_gateway, probe_whole, wait_until_ready
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import Server
from docgenctl.model.health import HealthReport, LayerResult
from docgenctl.model.observed import Health, ObservedContainer
from docgenctl.planning.choose_replicas import limits_are_shared, replicas_wanted
from docgenctl.planning.resolve_servers import resolve_servers
from docgenctl.planning.steps import instance_name
from docgenctl.state.store import StateStore

#: Not a failure, and nothing to be silent about.
NO_EGRESS = "none without containers: what servers reach outside is not restricted"


def check_health(
    opened: OpenProject, engine: Engine, servers: tuple[Server, ...] | None = None
) -> HealthReport:
    """Every layer once; a layer whose ground is missing is not tried.

    `servers` are those that ought to run, by default the configured ones. Raises NotHealthyError when the
    stack was never started.
    """
    endpoint = find_endpoint(opened)
    if servers is None:
        servers = resolve_servers(opened.configuration.settings, opened.facts)
    layers = list(check_containers(opened, engine, servers))
    layers.append(probe_gateway(endpoint))
    if layers[-1].ok:
        layers += (_ready(endpoint, server) for server in servers)
        layers += probe_whole(endpoint)
        with McpEndpoint(endpoint, timeout_s=PROBE_TIMEOUT_S) as client:
            layers.append(probe_discover(client))
            layers += call_canaries(canaries_of(servers), client)
    return HealthReport(healthy=all(layer.ok for layer in layers), layers=tuple(layers))


def prove_servers(servers: tuple[Server, ...], endpoint: Endpoint) -> tuple[LayerResult, ...]:
    """One harmless real tool call per server, with the key that clients use."""
    with McpEndpoint(endpoint, timeout_s=PROBE_TIMEOUT_S) as client:
        return call_canaries(canaries_of(servers), client)


def _ready(endpoint: Endpoint, server: Server) -> LayerResult:
    result = wait_until_ready(endpoint, deadline=0, path=f"/health/ready/{server.name}")
    return replace(result, subject=server.name)


def check_containers(
    opened: OpenProject, engine: Engine, servers: tuple[Server, ...]
) -> tuple[LayerResult, ...]:
    """Layer `service`: the engine's word on each service that ought to run. Raises EngineError."""
    begun = time.perf_counter()
    observation = engine.observe(opened.project.name)
    latency_ms = (time.perf_counter() - begun) * 1000
    settled = settle_health(observation.containers, engine)
    around = ("egress", *(("valkey",) if _counts_together(opened) else ())) if observation.isolates else ()
    wanted = ("gateway", "orchestrator", *(server.name for server in servers), *around)
    layers = [
        LayerResult("service", name, *_verdict_of_all(name, settled, latency_ms, engine)) for name in wanted
    ]
    if not observation.isolates:
        layers.append(LayerResult("service", "egress", True, 0.0, NO_EGRESS))
    return tuple(layers)


def _counts_together(opened: OpenProject) -> bool:
    settings = opened.configuration.settings
    replicas = replicas_wanted(settings, StateStore(opened.state_dir).read().scaled)
    return limits_are_shared(settings, replicas, isolates=True)


def _verdict_of_all(
    name: str, containers: Sequence[ObservedContainer], latency_ms: float, engine: Engine
) -> tuple[bool, float, str]:
    """Of all containers of a service: what is wrong with the first that is unwell, or that all run."""
    own = [container for container in containers if container.service == name]
    if len(own) < 2:
        return _verdict(own[0] if own else None, latency_ms, engine)
    verdicts = [(container, *_verdict(container, latency_ms, engine)) for container in own]
    for container, ok, _, detail in verdicts:
        if not ok:
            return False, latency_ms, f"{instance_name(name, container.number)}: {detail}"
    return True, latency_ms, f"{len(own)} of {len(own)} {verdicts[0][3]}"


def _verdict(
    container: ObservedContainer | None, latency_ms: float, engine: Engine
) -> tuple[bool, float, str]:
    if container is None:
        return False, latency_ms, "is not there"
    trouble = trouble_of(container, engine)
    if container.state != "running":
        reason = trouble or f"exit code {container.exit_code}"
        return False, latency_ms, f"{container.state}, {reason}"
    restarts = f", {trouble or f'{container.restarts} restarts'}" if container.restarts else ""
    return container.health is not Health.UNHEALTHY, latency_ms, f"running, {container.health}{restarts}"
