"""Readiness of the servers behind the orchestrator, and of the names that they offer."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping

from docgen_common.health import Check, CheckResult, Readiness, Verdict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from docgen_orchestrator.backend import Backend
from docgen_orchestrator.fleet import Fleet
from docgen_orchestrator.upstream import UnavailableError
from docgen_orchestrator.view import View

NAMES_CHECK = "names"
ROUTING_CHECK = "routing"
DEFINITIONS_CHECK = "definitions"
LIMITS_CHECK = "limits"
READY_PATH = "/health/ready/"
_MAX_DOCUMENT_BYTES = 64 * 1024


class ServerChecks(Mapping[str, Check]):
    """A check for each server that there is now, and those of the whole.

    ``routing`` and ``definitions`` tell why what is in force is not what is wanted, empty when it is;
    ``limits`` why the store of rates does not count, None where there is none.
    """

    def __init__(
        self,
        view: View,
        routing: Callable[[], str],
        definitions: Callable[[], str],
        limits: Callable[[], str | None],
    ) -> None:
        self._view = view
        self._limits = limits
        self._whole: Mapping[str, Check] = {
            NAMES_CHECK: _names_check(view),
            ROUTING_CHECK: _routing_check(routing),
            DEFINITIONS_CHECK: _definitions_check(view, definitions),
        }

    def __getitem__(self, name: str) -> Check:
        for backend in self._view.backends:
            if backend.name == name:
                return _server_check(backend)
        if name == LIMITS_CHECK and self._limits() is not None:
            return _limits_check(self._limits)
        return self._whole[name]

    def __iter__(self) -> Iterator[str]:
        limits = () if self._limits() is None else (LIMITS_CHECK,)
        return iter((*(backend.name for backend in self._view.backends), *self._whole, *limits))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def any_server(view: View) -> Verdict:
    """Welcome requests while at least one server is ready: one that is down takes only its own tools away."""

    def verdict(results: Mapping[str, CheckResult]) -> bool:
        names = frozenset(backend.name for backend in view.backends)
        return any(result.ok for name, result in results.items() if name in names)

    return verdict


class ReadyPaths(Container[str]):
    """``/health/ready/<server>`` for each server that there is now: its own verdict, seen from here."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[str, tuple[Backend, Readiness]] = {}

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._backend(path) is not None

    def route(self) -> Route:
        """The route that answers all of them."""

        async def ready(request: Request) -> JSONResponse:
            backend = self._backend(request.url.path)
            if backend is None:
                raise HTTPException(404)
            return await self._readiness(backend).response()

        return Route(READY_PATH + "{server}", ready)

    def _backend(self, path: str) -> Backend | None:
        return self._fleet.find(path.removeprefix(READY_PATH)) if path.startswith(READY_PATH) else None

    def _readiness(self, backend: Backend) -> Readiness:
        """Kept for each server, since it remembers what it found a moment ago."""
        known = self._known.get(backend.name)
        if known is None or known[0] is not backend:
            known = (backend, Readiness({backend.name: _server_check(backend)}))
            self._known = {name: old for name, old in self._known.items() if self._fleet.find(name)}
            self._known[backend.name] = known
        return known[1]


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
        failed = [_told(name, result) for name, result in document["checks"].items() if not result["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        failed = []
    return f"not ready: {', '.join(failed)[:200]}" if failed else f"answered HTTP {status}"


def _told(name: object, result: Mapping[str, object]) -> str:
    """A failed check by its name, and what it found if it says so."""
    return f"{name} ({result['detail']})" if result.get("detail") else str(name)


def _names_check(view: View) -> Check:
    async def check() -> CheckResult:
        collisions = (await view.current()).collisions
        told = [f"{name} is offered by {' and '.join(owners)}" for name, owners in collisions.items()]
        return CheckResult(not collisions, "; ".join(told)[:2000])

    return check


def _routing_check(routing: Callable[[], str]) -> Check:
    async def check() -> CheckResult:
        trouble = routing()
        return CheckResult(not trouble, trouble)

    return check


def _limits_check(away: Callable[[], str | None]) -> Check:
    """The reason is for the log: it may name what only operators should know."""

    async def check() -> CheckResult:
        told = (
            "the store of rates is away: shares are in force, what may write is refused for keys with a rate"
        )
        return CheckResult(not away(), told if away() else "")

    return check


def _definitions_check(view: View, trouble: Callable[[], str]) -> Check:
    """Not ok while a tool is held back; changes that are only told are a detail."""

    async def check() -> CheckResult:
        changed, held = [], False
        for backend in view.backends:
            names = sorted(name for name, how in backend.shelf.standings.items() if how.is_change)
            held = held or bool(backend.offer and backend.offer.held)
            changed += [f"{name} of {backend.name}" for name in names]
        told = [trouble(), f"changed: {', '.join(changed)}" if changed else ""]
        return CheckResult(not held and not trouble(), "; ".join(filter(None, told))[:2000])

    return check
