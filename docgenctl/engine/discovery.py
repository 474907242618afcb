"""Which engine: DOCKER_HOST, then DOCKER_CONTEXT, then the current context, then the known sockets.

The SDK's own `from_env` ignores contexts. Only engines of this machine are accepted, since containers mount
its directories: unix sockets, and TCP on a loopback address. Every refusal says what to type.
"""

from __future__ import annotations

import errno
import hashlib
import json
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docgenctl.engine.client import CALL_TIMEOUT_S, TlsMaterial, answers, open_client
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.engine.failures import OLDEST_API, Host, silent, survey, too_old, unreachable
from docgenctl.engine.observation import info_from
from docgenctl.model.errors import EngineError

if TYPE_CHECKING:
    from docker import APIClient

#: The newest interface asked for: what this adapter was written against.
NEWEST_API = (1, 51)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that may be an engine's, and how we came by it; `explicit` when somebody chose it."""

    address: str
    source: str
    explicit: bool = False
    undo: str = ""
    tls: TlsMaterial | None = None


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


def chosen_endpoint(environ: Mapping[str, str]) -> Endpoint | None:
    """What DOCKER_HOST, DOCKER_CONTEXT or the current context name; None when the default is meant."""
    if address := environ.get("DOCKER_HOST"):
        tls = _environment_tls(environ)
        return Endpoint(
            address=address, source="DOCKER_HOST", explicit=True, undo="unset DOCKER_HOST", tls=tls
        )
    if name := environ.get("DOCKER_CONTEXT"):
        return _context(name, environ, undo="unset DOCKER_CONTEXT")
    name = _current_context(environ)
    return _context(name, environ, undo="docker context use default")


def known_endpoints(environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Where engines listen by default: the system's, a rootless one, Docker Desktop's, Colima's."""
    home = environ.get("HOME", "")
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    paths = ["/var/run/docker.sock"]
    paths += [f"{runtime}/docker.sock"] if runtime else []
    if home:
        paths += [f"{home}/.docker/run/docker.sock", f"{home}/.docker/desktop/docker.sock"]
        paths += [f"{home}/.colima/default/docker.sock"]
    return tuple(Endpoint(address=f"unix://{path}", source=f"socket {path}") for path in paths)


def _environment_tls(environ: Mapping[str, str]) -> TlsMaterial | None:
    folder = environ.get("DOCKER_CERT_PATH") or str(_config_folder(environ))
    if not environ.get("DOCKER_TLS_VERIFY"):
        return None
    return _tls_files(Path(folder), verify=True)


def _tls_files(folder: Path, *, verify: bool) -> TlsMaterial:
    files = {name: str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")}
    present = {name: path if Path(path).is_file() else "" for name, path in files.items()}
    return TlsMaterial(
        ca=present["ca.pem"], certificate=present["cert.pem"], key=present["key.pem"], verify=verify
    )


def _config_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/nonexistent")) / ".docker")


def _current_context(environ: Mapping[str, str]) -> str:
    return str(_json(_config_folder(environ) / "config.json").get("currentContext") or "default")


def _json(path: Path) -> dict[str, Any]:
    """A JSON object of the Docker client's; empty when there is none that can be read."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _context(name: str, environ: Mapping[str, str], *, undo: str) -> Endpoint | None:
    if name == "default":
        return None
    contexts = _config_folder(environ) / "contexts"
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = _json(contexts / "meta" / digest / "meta.json")
    endpoint = (meta.get("Endpoints") or {}).get("docker") or {}
    if not endpoint.get("Host"):
        raise EngineError(f"there is no Docker context named {name}", hint=undo, code="wrong_context")
    tls_folder = contexts / "tls" / digest / "docker"
    tls = _tls_files(tls_folder, verify=not endpoint.get("SkipTLSVerify")) if tls_folder.is_dir() else None
    return Endpoint(address=endpoint["Host"], source=f"context {name}", explicit=True, undo=undo, tls=tls)


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
    probe = open_client(
        endpoint.address,
        api_version=".".join(map(str, OLDEST_API)),
        timeout_s=timeout_s,
        tls=endpoint.tls,
    )
    with probe:
        version = _version(endpoint, probe, host, timeout_s)
        api_version = _agree(version)
    api = open_client(endpoint.address, api_version=api_version, timeout_s=CALL_TIMEOUT_S, tls=endpoint.tls)
    with answers("ask the engine about itself"):
        info = info_from(version, api.info(), address=endpoint.address, source=endpoint.source)
    return DockerEngine(api, replace(info, api_version=api_version))


def _version(endpoint: Endpoint, probe: APIClient, host: Host, timeout_s: float) -> Mapping[str, Any]:
    """`GET /version`, read by hand: the SDK stumbles over what is not an engine's answer."""
    try:
        with answers("ask the engine for its version"):
            response = probe.get(f"{probe.base_url}/version", timeout=timeout_s)
    except EngineError as error:
        raise silent(endpoint.address, endpoint.source, timeout_s, host) from error
    try:
        version = response.json() if response.status_code == 200 else None
    except ValueError:
        version = None
    if isinstance(version, dict) and version.get("ApiVersion"):
        return version
    raise EngineError(
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
