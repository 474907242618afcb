"""Health from outside, layer by layer, each with how long it took; and waiting until there is health."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.endpoint import failures
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.connection import Connection
from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.health import LayerResult

_PROBE_TIMEOUT_S = 2.0
_POLL_S = 0.04
_OK = 200


def probe_gateway(endpoint: Endpoint, *, timeout_s: float = 5.0) -> LayerResult:
    """Layer `gateway`: a new TLS connection and GET /health over it, without the key."""
    return _timed("gateway", endpoint.authority, lambda: _get(endpoint, "/health", timeout_s))


class ReadinessProbe:
    """Asks `/health/ready` again and again over one kept connection: no handshake as long as it holds."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 5.0) -> None:
        self._endpoint = endpoint
        self._connection = Connection(endpoint, timeout_s=timeout_s)

    def ask(self) -> tuple[LayerResult, ...]:
        """Layer `gateway`, whose `ok` says that somebody answered, and layer `ready` for each check."""
        began = time.perf_counter()
        try:
            response = self._connection.request("GET", "/health/ready", repeatable=True)
            document = failures.json_object(self._connection.read(response)) or {}
            ok, detail = True, _described(response.status, document)
        except NotHealthyError as error:
            ok, detail, document = False, error.message, {}
        latency_ms = (time.perf_counter() - began) * 1000
        checks = document.get("checks")
        found = checks if isinstance(checks, dict) else {}
        if ok and not found:  # the gateway's own words: nobody behind it answered
            ok = False
        return (
            LayerResult("gateway", self._endpoint.authority, ok, latency_ms, detail),
            *(_check(name, check, latency_ms) for name, check in found.items()),
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _check(name: str, check: Any, latency_ms: float) -> LayerResult:
    ok = isinstance(check, dict) and check.get("ok") is True
    detail = str(check.get("detail", "")) if isinstance(check, dict) else ""
    words = failures.printable(detail) if detail else ("ready" if ok else "not ready")
    return LayerResult("ready", failures.printable(str(name)), ok, latency_ms, words)


def probe_whole(endpoint: Endpoint, *, timeout_s: float = 5.0) -> tuple[LayerResult, ...]:
    """What the orchestrator says of itself, only where there is something to say.

    Layer `definitions` where tools are not what they were, which is for people to judge and no failure; layer
    `limits` where rates cannot be counted in their store.
    """
    probe = ReadinessProbe(endpoint, timeout_s=timeout_s)
    try:
        checks = {layer.subject: layer for layer in probe.ask()[1:]}
    finally:
        probe.close()
    return (*_definitions(checks.get("definitions")), *_limits(checks.get("limits")))


def _definitions(found: LayerResult | None) -> tuple[LayerResult, ...]:
    if found is None or found.detail in ("ready", "not ready"):
        return ()
    detail = f"{found.detail}: docgenctl tools inspect NAME"
    return (LayerResult("definitions", "tools", True, found.latency_ms, detail),)


def _limits(found: LayerResult | None) -> tuple[LayerResult, ...]:
    if found is None or found.ok:
        return ()
    return (
        LayerResult("limits", "store", False, found.latency_ms, f"{found.detail}: docgenctl logs valkey"),
    )


def probe_discover(client: McpEndpoint) -> LayerResult:
    """Layer `discover`: the key is accepted and the server says what it is, over the client's connection."""

    def discover() -> tuple[bool, str]:
        versions = client.discover().get("supportedVersions")
        spoken = ", ".join(map(str, versions)) if isinstance(versions, list) else "nothing it names"
        return True, failures.printable(f"speaks {spoken}")

    return _timed("discover", client.endpoint.authority, discover)


def probe_tool(client: McpEndpoint, name: str, arguments: Mapping[str, Any]) -> LayerResult:
    """Layer `tool`: a real call, with the production key, over the client's connection."""

    def call() -> tuple[bool, str]:
        result = client.call_tool(name, arguments)
        if result.is_error:
            return False, failures.printable(result.text or "the tool failed without a word")
        return (True, "answered") if result.complete else (False, "the tool asks for more")

    return _timed("tool", name, call)


def wait_until_ready(
    endpoint: Endpoint,
    *,
    deadline: float,
    path: str = "/health/ready",
    stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> LayerResult:
    """Ask for `path` every 40 ms until it answers 200; layer `ready`, `latency_ms` being the whole wait.

    Args:
        endpoint: the address; path and key are not used.
        deadline: in seconds of `clock`; asked at least once even when it has passed.
        path: of the readiness route.
        stopped: asked before each try; true ends the wait, for callers that saw a container die.
        clock: seconds that never run backwards.
        pause: sleeps that many seconds.

    Never raises for an unhealthy stack: the result's `detail` is what the last try found.
    """
    began = clock()
    connection = Connection(endpoint, timeout_s=_PROBE_TIMEOUT_S)
    try:
        while True:
            ok, detail = _ask(connection, path)
            left = deadline - clock()
            if ok or left <= 0 or stopped():
                return LayerResult("ready", endpoint.authority, ok, (clock() - began) * 1000, detail)
            pause(min(_POLL_S, left))
    finally:
        connection.close()


def _timed(layer: str, subject: str, probe: Callable[[], tuple[bool, str]]) -> LayerResult:
    began = time.perf_counter()
    try:
        ok, detail = probe()
    except NotHealthyError as error:
        ok, detail = False, error.message
    return LayerResult(layer, subject, ok, (time.perf_counter() - began) * 1000, detail)


def _get(endpoint: Endpoint, path: str, timeout_s: float) -> tuple[bool, str]:
    connection = Connection(endpoint, timeout_s=timeout_s)
    try:
        return _ask(connection, path)
    finally:
        connection.close()


def _ask(connection: Connection, path: str) -> tuple[bool, str]:
    try:
        response = connection.request("GET", path, repeatable=True)
        document = failures.json_object(connection.read(response)) or {}
    except NotHealthyError as error:
        return False, error.message
    return response.status == _OK, _described(response.status, document)


def _described(status: int, document: Mapping[str, Any]) -> str:
    """`ready`, `degraded: github (no answer)`, or the bare status when the answer says no more."""
    checks = document.get("checks")
    failed = [
        _named(name, check)
        for name, check in (checks.items() if isinstance(checks, dict) else ())
        if not (isinstance(check, dict) and check.get("ok") is True)
    ]
    word = document.get("status")
    word = word if isinstance(word, str) and word else f"HTTP {status}"
    return failures.printable(f"{word}: {', '.join(failed)}" if failed else word)


def _named(name: str, check: Any) -> str:
    """A check by its name, and what it found if it says so."""
    detail = check.get("detail") if isinstance(check, dict) else None
    return f"{name} ({detail})" if isinstance(detail, str) and detail else name
