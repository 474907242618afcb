"""Settings from environment variables and from the project's `.env` file."""

import io
from collections.abc import Mapping
from pathlib import Path

from docgenctl.files.bounded_file import read_bounded

_MAX_BYTES = 1024 * 1024

#: variable → key path in docgen.yaml
VARIABLES: Mapping[str, str] = {
    "MCP_ENV": "environment",
    "MCP_LOG_LEVEL": "log_level",
    "ORCHESTRATOR_PORT_RANGE": "ports/orchestrator",
    "GITHUB_MCP_PORT_RANGE": "servers/github/port",
    "MAIN_MCP_PORT_RANGE": "servers/main/port",
    "MAIN_MCP_HEALTH_PORT_RANGE": "servers/main/health_port",
    "MCP_CPU_LIMIT": "limits/cpus",
    "MCP_MEMORY_LIMIT": "limits/memory",
    "MCP_FRONTEND_SUBNET": "networks/frontend_pool",
    "MCP_BACKEND_SUBNET": "networks/backend_pool",
    "DOCGEN_PROJECT": "project",
    "DOCGEN_BIND": "ports/bind",
    "DOCGEN_BASE_IMAGE": "images/base",
    "DOCGENCTL_ENGINE": "engine",
}

#: key paths whose value is a word, which shells and CI systems like to write in capitals
_WORDS = frozenset({"environment", "log_level", "engine"})


def dotenv_values(project_dir: Path) -> Mapping[str, str]:
    """All variables of `.env` in the project directory, values as written (nothing is interpolated).

    Lines that are no assignment are passed over: the file belongs to the user's application. A directory of
    that name (a virtual environment) counts as no file. Raises ConfigurationError when it cannot be read.
    """
    path = project_dir / ".env"
    if path.is_dir():
        return {}
    data = read_bounded(path, _MAX_BYTES)
    if data is None:
        return {}
    from dotenv.parser import parse_stream

    # Any byte may stand in values that are not ours; surrogates carry them through unharmed.
    text = data.decode("utf-8-sig", errors="surrogateescape")
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


def variables_in_force(project_dir: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """All variables that are set: those of `.env`, and over them those of `environ` that are not empty.

    Raises ConfigurationError as `dotenv_values` does.
    """
    return {**dotenv_values(project_dir), **{name: value for name, value in environ.items() if value}}


def settings_from(variables: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """Key path → (variable, value) for every variable of ours that is set; an empty value is not set."""
    found: dict[str, tuple[str, str]] = {}
    for variable, key_path in VARIABLES.items():
        value = variables.get(variable, "").strip()
        if value:
            found[key_path] = (variable, value.lower() if key_path in _WORDS else value)
    return found


#: Variables that choose the engine; a file of the workspace must not.
_NOT_OURS = ("DOCKER_HOST", "DOCKER_CONTEXT")


def passed_over(dotenv: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence when `.env` sets variables that somebody may expect to steer docgenctl; it does not."""
    found = [name for name in _NOT_OURS if name in dotenv]
    if not found:
        return ()
    names = ", ".join(found)
    return (f".env sets {names}: docgenctl does not read that from a file, only from the environment",)
