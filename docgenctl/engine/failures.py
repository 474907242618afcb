"""From an engine's refusals to errors with a code and a remedy to type; pure.

The engine says what went wrong in English sentences that differ between versions, so the patterns below
match their endings only. Engines 20.10 to 29 are covered.
"""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docgenctl.model.errors import EngineError, PortTakenError, SubnetTakenError

#: The oldest engine interface that has all we use (Engine 20.10).
OLDEST_API = (1, 41)

_PORT_ENDINGS = ("address already in use", "port is already allocated", "ports are not available")
_PORT_PATTERNS = (
    re.compile(r"listen (?:tcp|udp)\d? \S*?:(\d+): bind"),
    re.compile(r"Bind for \S*?:(\d+) failed"),
    re.compile(r"bind host port (?:for )?\S*?:(\d+)(?:/|:|\b)"),
    re.compile(r"exposing port \w+ \S*?:(\d+)"),
)
_SUBNET_PHRASES = ("Pool overlaps with other one", "overlapping IPv4", "conflicts with network")


class AnswerError(EngineError):
    """The engine answered a call with an error; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, *, status: int, explanation: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.explanation = explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the machine offers to repair an engine with; decides how hints are worded."""

    docker_installed: bool
    system: str = "Linux"
    systemd: bool = False
    apt: bool = False


def survey(environ: Mapping[str, str], system: str) -> Host:
    """Look at the machine: is Docker installed, and what starts or installs it."""
    folders = [*environ.get("PATH", "").split(":"), "/usr/bin", "/usr/sbin", "/usr/local/bin"]
    programs = [Path(folder) / name for folder in folders if folder for name in ("docker", "dockerd")]
    return Host(
        docker_installed=any(program.exists() for program in programs) or _desktop_installed(),
        system=system,
        systemd=Path("/run/systemd/system").exists(),
        apt=Path("/usr/bin/apt-get").exists(),
    )


def _desktop_installed() -> bool:
    return Path("/Applications/Docker.app").exists() or Path("/opt/docker-desktop").exists()


def unreachable(reason: OSError, address: str, source: str, host: Host) -> EngineError:
    """The error for a socket that cannot be connected: `denied`, `stopped` or `absent`."""
    if reason.errno in (errno.EACCES, errno.EPERM):
        return EngineError(
            f"this user may not use the Docker socket {address} ({source})",
            hint='sudo usermod -aG docker "$USER" && newgrp docker',
            code="denied",
        )
    if host.docker_installed:
        return EngineError(
            f"Docker is installed but does not run: nothing answers at {address} ({source})",
            hint=start_hint(host),
            code="stopped",
        )
    return EngineError("there is no Docker Engine on this machine", hint=install_hint(host), code="absent")


def start_hint(host: Host) -> str:
    """How to start an installed engine here."""
    if host.system == "Darwin":
        return "open -a Docker"
    if host.systemd:
        return "sudo systemctl start docker"
    return "sudo service docker start"


def install_hint(host: Host) -> str:
    """How to install an engine here."""
    if host.system == "Darwin":
        return "brew install --cask docker"
    if host.apt:
        return "sudo apt-get install -y docker.io"
    return "curl -fsSL https://get.docker.com | sudo sh"


def silent(address: str, source: str, seconds: float, host: Host) -> EngineError:
    """The error for an engine that accepts connections but does not answer."""
    return EngineError(
        f"the Docker Engine at {address} ({source}) gave no answer within {seconds:.0f} s",
        hint=start_hint(host).replace(" start ", " restart ").replace("docker start", "docker restart"),
        code="stopped",
    )


def too_old(version: str, api_version: str) -> EngineError:
    """The error for an engine older than 20.10."""
    oldest = ".".join(map(str, OLDEST_API))
    return EngineError(
        f"Docker Engine {version or 'of unknown version'} speaks API {api_version or 'unknown'};"
        f" {oldest} (Engine 20.10) is the oldest supported",
        hint="sudo apt-get install --only-upgrade docker.io docker-ce",
        code="too_old",
    )


def from_answer(action: str, status: int, explanation: str) -> EngineError:
    """The error for an HTTP error answer to `action` (`start container x`)."""
    explanation = " ".join(explanation.split())
    if status == 500 and any(ending in explanation for ending in _PORT_ENDINGS):
        return _port_taken(action, explanation)
    if any(phrase in explanation for phrase in _SUBNET_PHRASES):
        return SubnetTakenError(
            f"cannot {action}: its subnet overlaps another network",
            subnet="",
            hint="docgenctl up takes another one",
        )
    return AnswerError(
        f"cannot {action}: {explanation or f'the engine answered {status}'}",
        status=status,
        explanation=explanation,
        hint=_hint_for(explanation),
    )


def _port_taken(action: str, explanation: str) -> PortTakenError:
    port = next((int(m[1]) for pattern in _PORT_PATTERNS if (m := pattern.search(explanation))), 0)
    named = f"port {port}" if port else "a published port"
    return PortTakenError(
        f"cannot {action}: {named} is taken by another process or container",
        host_port=port,
        hint=f"ss -ltnp 'sport = :{port}'; docker ps --filter publish={port}" if port else "ss -ltnp",
    )


def _hint_for(explanation: str) -> str:
    if match := re.search(r"bind source path does not exist: (\S+)", explanation):
        return f"mkdir -p {match[1]}"
    if match := re.search(r'container name "/?([\w.-]+)" is already in use', explanation):
        return f"docker rm -f {match[1]}"
    if match := re.search(r"network (\S+) has active endpoints", explanation):
        return f"docker network inspect {match[1]}"
    if "no space left on device" in explanation:
        return "docker system df; docker image prune"
    if match := re.search(r"No such image: (\S+)", explanation):
        return "docgenctl build"
    return "docgenctl status shows what there is; the engine's own log says more"
