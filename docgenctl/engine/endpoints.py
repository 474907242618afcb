"""Where an engine may be: DOCKER_HOST, DOCKER_CONTEXT, the current context, the known sockets, in this order.

The Docker client's own files are read, because the SDK's `from_env` ignores contexts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgenctl.engine.client import TlsMaterial
from docgenctl.model.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that may be an engine's, and how we came by it; `explicit` when somebody chose it."""

    address: str
    source: str
    explicit: bool = False
    undo: str = ""
    tls: TlsMaterial | None = None


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
