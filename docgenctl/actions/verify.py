"""`docgenctl verify`: what the way through the stack costs, and whether streams arrive whole and end in time.

Theory of operation. Calls go over one kept connection, as clients of the endpoint make them. With `direct`
they take turns with the same calls from inside the orchestrator's container to the server itself, so that a
machine that is busy for a moment is busy for both; the difference is what gateway, TLS, orchestrator and the
way into the container add.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docgenctl.actions.call_canaries import canaries_of
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.measure_cancelling import measure_cancelling
from docgenctl.actions.measure_inside import measure_inside
from docgenctl.actions.measure_streams import AT_ONCE, TOOL, measure_streams
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint import Endpoint, McpEndpoint
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import Server
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.observed import Observation, ObservedContainer
from docgenctl.model.verification import Leg, Streams, Times, Verification
from docgenctl.planning.resolve_servers import resolve_servers

_TURNS = 5
_CALLS_A_STREAM = 20
_THROUGH = "this machine → published port → gateway (TLS) → orchestrator → {server}"
_DIRECT = "orchestrator's container → {server}, without gateway, orchestrator and published port"
#: Nothing that is tried again would end otherwise.
_HOPELESS = frozenset({"unreachable", "tls", "unauthorized", "key_missing", "ca_missing"})

Reporter = Callable[[str], None]
Direct = Callable[[int], list[float]]


def verify(
    opened: OpenProject, engine: Engine, *, count: int, streaming: bool, direct: bool, say: Reporter
) -> Verification:
    """Measure `count` calls, and with the flags also streams and the direct way; `say` tells what goes on.

    Raises NotHealthyError when the stack was never started, does not answer at all, or has nothing to call.
    """
    endpoint = find_endpoint(opened)
    servers = resolve_servers(opened.configuration.settings, opened.facts)
    server = _to_ask(servers)
    observation = engine.observe(opened.project.name)
    notes: list[str] = []
    inside = _direct(engine, observation, server, notes) if direct else None
    say(f"{count} calls of {canaries_of([server])[0][0]}")
    through, straight = _calls(endpoint, server, inside, count)
    verification = Verification(through=through, direct=straight, notes=notes)
    if not streaming:
        return verification
    streams = _streams(endpoint, count, notes, say)
    say("closing streams")
    listening = [container for container in _with_events(observation, servers) if container is not None]
    cancels = measure_cancelling(endpoint, engine, listening)
    return Verification(through=through, direct=straight, streams=streams, cancels=cancels, notes=notes)


def _to_ask(servers: Sequence[Server]) -> Server:
    """The first server that names a harmless call, `main` before others."""
    having = [server for server in servers if server.facts.canary is not None]
    if not having:
        raise NotHealthyError(
            "no server of this stack names a harmless call", hint="docgenctl health", code="nothing_to_call"
        )
    return min(having, key=lambda server: (server.name != "main", server.name))


def _direct(engine: Engine, observation: Observation, server: Server, notes: list[str]) -> Direct | None:
    """Measures from inside; None where there is no inside."""
    container = observation.container("orchestrator")
    if not engine.info().isolates or container is None:
        notes.append("direct: not measured, since there is no container to measure from")
        return None
    [(tool, arguments)] = canaries_of([server])
    return lambda count: measure_inside(engine, container.id, server.name, tool, arguments, count)


def _calls(endpoint: Endpoint, server: Server, direct: Direct | None, count: int) -> tuple[Leg, Leg | None]:
    [(tool, arguments)] = canaries_of([server])
    there: list[float] = []
    straight: list[float] = []
    with McpEndpoint(endpoint) as client:
        first, failed = _called(client, tool, arguments, 1)
        for share in _shares(count):
            times, wrong = _called(client, tool, arguments, share)
            there += times
            failed += wrong
            straight += direct(share) if direct is not None else []
    path = _THROUGH.format(server=server.name)
    through = Leg(path=path, tool=tool, first_ms=first[0], times=Times(tuple(there)), failed=failed)
    if direct is None:
        return through, None
    path = _DIRECT.format(server=server.name)
    return through, Leg(path=path, tool=tool, first_ms=None, times=Times(tuple(straight)))


def _shares(count: int) -> list[int]:
    """The count in turns, as even as can be."""
    return [part for turn in range(_TURNS) if (part := (count + turn) // _TURNS)]


def _called(
    client: McpEndpoint, tool: str, arguments: Mapping[str, Any], count: int
) -> tuple[list[float], int]:
    times, failed = [], 0
    for _ in range(count):
        begun = time.perf_counter()
        try:
            failed += client.call_tool(tool, arguments).is_error
        except NotHealthyError as error:
            if error.code in _HOPELESS:
                raise
            failed += 1
        times.append((time.perf_counter() - begun) * 1000)
    return times, failed


def _streams(endpoint: Endpoint, count: int, notes: list[str], say: Reporter) -> Streams | None:
    wanted = max(AT_ONCE, count // _CALLS_A_STREAM)
    say(f"{wanted} streams of {TOOL}, {AT_ONCE} at once")
    found = measure_streams(endpoint, wanted)
    if found is None:
        notes.append(f"streams: not measured, since {TOOL} is not offered with this key")
    return found


def _with_events(observation: Observation, servers: Sequence[Server]) -> Sequence[ObservedContainer | None]:
    names = ["orchestrator", *(server.name for server in servers if server.facts.events)]
    return [observation.container(name) for name in names]
