"""Which engine answers: the chosen endpoint, or the first of the known sockets that can be connected to.

Only engines of this machine are accepted, since containers mount
its directories: unix sockets, and TCP on a loopback address. Every refusal says what to type.
"""

from __future__ import annotations

import errno
import platform
import socket
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from docgenctl.engine.client import CALL_TIMEOUT_S, open_client
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.engine.endpoints import Endpoint, chosen_endpoint, known_endpoints
from docgenctl.engine.failures import OLDEST_API, Host, silent, survey, too_old, unreachable
from docgenctl.engine.observation import found_from
from docgenctl.engine.wire import Wire
from docgenctl.model.errors import EngineError

#: The newest interface asked for: what this adapter was written against.
NEWEST_API = (1, 51)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def connect(environ: Mapping[str, str], *, timeout_s: float = 4.0) -> DockerEngine:
    """The engine that these variables lead to, found in less than `timeout_s` and a little.

    Raises EngineError with one of the codes `absent`, `stopped`, `denied`, `too_old`, `wrong_context` and
    `unsupported`.
    """
    host = survey(environ, platform.system())
    chosen = chosen_endpoint(environ)
    if chosen is not None:
        return _open_chosen(chosen, environ, host, timeout_s)
    refusals: list[EngineError] = []
    for endpoint in known_endpoints(environ):
        reason = _refusal(endpoint, host, timeout_s)
        if reason is None:
            return _open(endpoint, host, timeout_s)
        refusals.append(reason)
    raise _most_telling(refusals)


def _open_chosen(
    endpoint: Endpoint, environ: Mapping[str, str], host: Host, timeout_s: float
) -> DockerEngine:
    """Open what somebody chose; when it is dead but a default engine lives, the choice is what is wrong."""
    _refuse_remote(endpoint)
    reason = _refusal(endpoint, host, timeout_s)
    if reason is None:
        return _open(endpoint, host, timeout_s)
    if reason.code in ("stopped", "absent"):
        others = (other for other in known_endpoints(environ) if other.address != endpoint.address)
        alive = next((other for other in others if _refusal(other, host, 1.0) is None), None)
        if alive is not None:
            raise EngineError(
                f"{endpoint.source} points to {endpoint.address}, where nothing answers;"
                f" an engine answers at {alive.address}",
                hint=endpoint.undo,
                code="wrong_context",
            )
    raise reason


def _refuse_remote(endpoint: Endpoint) -> None:
    parts = urlsplit(endpoint.address)
    if parts.scheme == "unix" or (parts.scheme in ("tcp", "http", "https") and parts.hostname in _LOOPBACK):
        return
    what = "Windows engines" if parts.scheme == "npipe" else "engines of other machines"
    raise EngineError(
        f"{endpoint.source} points to {endpoint.address}: {what} are not supported,"
        " because containers mount directories of this machine",
        hint=endpoint.undo,
        code="unsupported",
    )


def _refusal(endpoint: Endpoint, host: Host, timeout_s: float) -> EngineError | None:
    """Why the endpoint's socket cannot be connected to, None when it can."""
    try:
        _dial(endpoint.address, timeout_s)
    except TimeoutError:
        return silent(endpoint.address, endpoint.source, timeout_s, host)
    except OSError as error:
        return unreachable(error, endpoint.address, endpoint.source, host)
    return None


def _dial(address: str, timeout_s: float) -> None:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        path = parts.netloc + parts.path
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path if path.startswith("/") else f"/{path}")
        return
    try:
        port = parts.port or 2375
    except ValueError as error:
        raise OSError(errno.EINVAL, f"{address} has no valid port") from error
    socket.create_connection((parts.hostname or "", port), timeout=timeout_s).close()


def _most_telling(refusals: list[EngineError]) -> EngineError:
    """Of several dead sockets: one that exists but is denied says most, then one that refused."""
    by_code = {code: [e for e in refusals if e.code == code] for code in ("denied", "stopped", "absent")}
    return next(errors[0] for errors in by_code.values() if errors)


def _open(endpoint: Endpoint, host: Host, timeout_s: float) -> DockerEngine:
    oldest = ".".join(map(str, OLDEST_API))
    try:
        probe = Wire(endpoint.address, api_version=oldest, tls=endpoint.tls)
        version = probe.ask("/version", timeout_s)
    except PermissionError as error:
        raise _refused(endpoint, str(error)) from error
    except (OSError, HTTPException) as error:
        raise silent(endpoint.address, endpoint.source, timeout_s, host) from error
    if version is None or not version.get("ApiVersion"):
        raise _not_an_engine(endpoint)
    api_version = _agree(version)
    return DockerEngine(
        Wire(endpoint.address, api_version=api_version, tls=endpoint.tls),
        lambda: open_client(
            endpoint.address, api_version=api_version, timeout_s=CALL_TIMEOUT_S, tls=endpoint.tls
        ),
        replace(
            found_from(version, address=endpoint.address, source=endpoint.source), api_version=api_version
        ),
    )


def _refused(endpoint: Endpoint, explanation: str) -> EngineError:
    """An engine, or a proxy before it, that lets this user ask nothing."""
    said = " ".join(explanation.split())[:200]
    return EngineError(
        f"what answers at {endpoint.address} ({endpoint.source}) refuses this user"
        + (f": {said}" if said else ""),
        hint=endpoint.undo or "docker version",
        code="denied",
    )


def _not_an_engine(endpoint: Endpoint) -> EngineError:
    return EngineError(
        f"what answers at {endpoint.address} ({endpoint.source}) is not a Docker Engine",
        hint=endpoint.undo or "docker version",
        code="unsupported",
    )


def _agree(version: Mapping[str, Any]) -> str:
    """The API version to speak: the engine's newest, but none that this adapter does not know."""
    if str(version.get("Os", "linux")).lower() == "windows":
        raise EngineError(
            "the engine runs Windows containers",
            hint="& DockerCli.exe -SwitchLinuxEngine",
            code="unsupported",
        )
    newest = _numbers(version.get("ApiVersion"))
    if newest < OLDEST_API:
        raise too_old(str(version.get("Version", "")), str(version.get("ApiVersion", "")))
    return ".".join(map(str, min(newest, NEWEST_API)))


def _numbers(version: object) -> tuple[int, ...]:
    parts = str(version or "").split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (0,)
