"""Liveness and readiness.

``/health`` says that the process answers: it does no work, so it can be asked often. ``/health/ready`` runs
the server's checks, at most once a second however often it is asked (it is open, so it must not multiply
work), each within two seconds. What failed may be asked again sooner: somebody waits for it to pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_CHECK_SECONDS = 2.0
_REMEMBER_SECONDS = 1.0
_REMEMBER_FAILED_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """What a check found; ``detail`` is for people and is public: no secrets, no host paths."""

    ok: bool
    detail: str = ""


Check = Callable[[], Awaitable[CheckResult]]
"""Looks at one dependency; raising counts as not ok."""

Verdict = Callable[[Mapping[str, CheckResult]], bool]
"""Whether a server with these results should get requests."""


def all_ok(results: Mapping[str, CheckResult]) -> bool:
    """Ready when every check is."""
    return all(result.ok for result in results.values())


class Readiness:
    """The checks of one server, run together, with a memory of one second, shorter when one failed.

    ``checks`` may change; each time those that there are then are run.
    """

    def __init__(self, checks: Mapping[str, Check], verdict: Verdict = all_ok) -> None:
        self._checks = checks
        self._verdict = verdict
        self._lock = asyncio.Lock()
        self._results: Mapping[str, CheckResult] = {}
        self._until = 0.0

    async def results(self) -> Mapping[str, CheckResult]:
        """What the checks found, at most a second ago."""
        async with self._lock:
            if monotonic() >= self._until:
                checks = dict(self._checks)
                found = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
                self._results = dict(zip(checks, found, strict=True))
                well = all_ok(self._results)
                self._until = monotonic() + (_REMEMBER_SECONDS if well else _REMEMBER_FAILED_SECONDS)
            return self._results

    async def response(self) -> JSONResponse:
        """The readiness document: 503 when requests are not welcome; ``degraded`` when a check failed."""
        results = await self.results()
        checks = {
            name: {"ok": result.ok, "detail": result.detail} if result.detail else {"ok": result.ok}
            for name, result in results.items()
        }
        status = "ready" if all_ok(results) else "degraded"
        return JSONResponse(
            {"status": status, "checks": checks}, status_code=200 if self._verdict(results) else 503
        )


async def _run(name: str, check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return CheckResult(False, "no answer in time")
    except Exception:  # noqa: BLE001 - a check is code of the server; whatever it raises counts as not ok
        _log.exception("readiness check failed", extra={"check": name})
        return CheckResult(False, "the check failed")


def health_routes(server: str, readiness: Readiness) -> list[Route]:
    """The open routes ``/health`` and ``/health/ready``."""

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": server})

    async def ready(_: Request) -> JSONResponse:
        return await readiness.response()

    return [Route("/health", health), Route("/health/ready", ready)]
