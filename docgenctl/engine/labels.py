"""Labels of what we create: ours, and those by which Compose knows its own.

Without them `docker compose ls`, `ps`, `logs` and `down` do not see the stack. The values follow Compose
v2; the one that cannot be computed independently is the configuration hash, which differs between Compose
versions, so the Compose plugin itself is asked when there is one. Otherwise the service's digest stands in:
everything works but `docker compose up`, which then recreates the containers.
"""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from docgenctl.model.stack import (
    LABEL_CONTAINER_NUMBER,
    LABEL_PROJECT_ID,
    LABEL_SPEC_DIGEST,
    Network,
    Service,
    Stack,
    Volume,
)

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_NETWORK = "com.docker.compose.network"
COMPOSE_VOLUME = "com.docker.compose.volume"

#: Where package managers and Docker put the plugin; PATH is not searched, anything may be in it.
PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def container_labels(service: Service, stack: Stack, config_hash: str, number: int = 1) -> dict[str, str]:
    """All labels of a service's container of that number."""
    return {
        LABEL_PROJECT_ID: stack.project_id,
        LABEL_SPEC_DIGEST: service.digest,
        **service.labels,
        COMPOSE_PROJECT: stack.project,
        COMPOSE_SERVICE: service.name,
        "com.docker.compose.config-hash": config_hash,
        LABEL_CONTAINER_NUMBER: str(number),
        "com.docker.compose.depends_on": ",".join(
            f"{name}:service_started:false" for name in service.depends_on
        ),
        "com.docker.compose.image": service.image_id,
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.config_files": stack.compose_file,
        "com.docker.compose.project.working_dir": stack.workspace,
        "com.docker.compose.version": "2",
    }


def network_labels(network: Network, stack: Stack) -> dict[str, str]:
    """All labels of a network."""
    return {
        LABEL_PROJECT_ID: stack.project_id,
        LABEL_SPEC_DIGEST: network.digest,
        **network.labels,
        COMPOSE_PROJECT: stack.project,
        COMPOSE_NETWORK: network.key,
    }


def volume_labels(volume: Volume, stack: Stack) -> dict[str, str]:
    """All labels of a volume."""
    return {
        LABEL_PROJECT_ID: stack.project_id,
        **volume.labels,
        COMPOSE_PROJECT: stack.project,
        COMPOSE_VOLUME: volume.key,
    }


class ConfigHashes:
    """Compose's configuration hashes of a stack's services, asked for once per stack."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._lock = threading.Lock()
        self._stack: Stack | None = None
        self._hashes: Mapping[str, str] = {}

    def of(self, service: Service, stack: Stack) -> str:
        """The hash of one service; the service's own digest when Compose cannot be asked."""
        with self._lock:
            if self._stack is not stack:
                self._stack, self._hashes = stack, ask_compose(stack, self._environ)
            return self._hashes.get(service.name, service.digest)


def ask_compose(stack: Stack, environ: Mapping[str, str]) -> Mapping[str, str]:
    """`config --hash '*'` of the installed Compose plugin; empty without a plugin or a readable file."""
    plugin = find_plugin(environ)
    if plugin is None or not Path(stack.compose_file).is_file():
        return {}
    command = [str(plugin), "--project-name", stack.project, "--file", stack.compose_file]
    quiet = {key: value for key, value in environ.items() if not key.startswith("COMPOSE_")}
    try:
        answer = subprocess.run(
            [*command, "config", "--hash", "*"],
            capture_output=True,
            check=True,
            cwd=stack.workspace,
            env=quiet,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return {}  # the hash only serves `docker compose up`; a broken plugin must not stop ours
    pairs = (line.split() for line in answer.stdout.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def find_plugin(environ: Mapping[str, str]) -> Path | None:
    """The Compose plugin's program in the user's or the system's plugin folders."""
    home = environ.get("HOME", "")
    own = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    folders = ([f"{own}/cli-plugins"] if own else []) + list(PLUGIN_FOLDERS)
    candidates = (Path(folder) / "docker-compose" for folder in folders)
    return next((path for path in candidates if os.access(path, os.X_OK)), None)
