"""Readiness of the servers behind the orchestrator, and of the names that they offer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from docgen_common.health import Check, CheckResult, Readiness, Verdict
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.upstream import UnavailableError
from docgen_orchestrator.view import View

NAMES_CHECK = "names"
_MAX_DOCUMENT_BYTES = 64 * 1024


def server_checks(view: View) -> dict[str, Check]:
    """A check for each server, and one for colliding names."""
    checks: dict[str, Check] = {backend.name: _server_check(backend) for backend in view.backends}
    checks[NAMES_CHECK] = _names_check(view)
    return checks


def any_server(servers: Sequence[Backend]) -> Verdict:
    """Welcome requests while at least one server is ready: one that is down takes only its own tools away."""
    names = frozenset(backend.name for backend in servers)

    def verdict(results: Mapping[str, CheckResult]) -> bool:
        return any(result.ok for name, result in results.items() if name in names)

    return verdict


def server_ready_routes(servers: Sequence[Backend]) -> list[Route]:
    """``/health/ready/<server>`` for each server: its own verdict, seen from here."""
    return [_ready_route(backend) for backend in servers]


def _ready_route(backend: Backend) -> Route:
    readiness = Readiness({backend.name: _server_check(backend)})

    async def ready(_: Request) -> JSONResponse:
        return await readiness.response()

    return Route(f"/health/ready/{backend.name}", ready)


def _server_check(backend: Backend) -> Check:
    async def check() -> CheckResult:
        try:
            status, body = await backend.get_ready()
        except UnavailableError as error:
            return CheckResult(False, error.reason)
        return CheckResult(True) if status == 200 else CheckResult(False, _failed_checks(status, body))

    return check


def _failed_checks(status: int, body: bytes) -> str:
    """Which of the server's own checks failed, by its readiness document."""
    try:
        document = json.loads(body[:_MAX_DOCUMENT_BYTES])
        failed = [str(name) for name, result in document["checks"].items() if not result["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        failed = []
    return f"not ready: {', '.join(failed)[:200]}" if failed else f"answered HTTP {status}"


def _names_check(view: View) -> Check:
    async def check() -> CheckResult:
        collisions = (await view.current()).collisions
        told = [f"{name} is offered by {' and '.join(owners)}" for name, owners in collisions.items()]
        return CheckResult(not collisions, "; ".join(told)[:2000])

    return check
