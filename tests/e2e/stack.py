"""A driver for end-to-end tests: the real command line in a process of its own, on the real engine.

Each `Stack` has a workspace, a state directory and a project name that nobody else has. Nothing here reaches
into docgenctl: what a test learns of a stack, it learns as a user does, from commands, from the endpoint they
print, or from the engine itself. `remove` takes everything of the project away by id, whatever happened.
"""

import contextlib
import json
import os
import random
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
from docker import APIClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from docgenctl.engine.docker_engine import DockerEngine
from tests.engine_fixtures import remove_project

REPOSITORY = Path(__file__).parents[2]
SERVICES = ("gateway", "egress", "orchestrator", "main", "github")

#: What the gateway's ports are for, by their numbers inside its container.
_PURPOSES = {8080: "orchestrator", 3200: "main", 8800: "main_health", 3000: "github"}

#: Variables of the person who runs the tests must not reach the stacks of the tests.
_OURS = ("DOCGEN", "MCP_", "GITHUB_", "ORCHESTRATOR_", "MAIN_", "XDG_STATE_HOME")

#: Below the ports that the kernel hands out by itself; each stack starts somewhere else in between.
_FIRST_PORT, _LAST_PORT, _PORTS_EACH = 20_000, 32_000, 20


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command; `document` is its standard output as JSON."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def document(self) -> Any:
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"no JSON on standard output of {self}") from None

    @property
    def lines(self) -> list[Any]:
        """Standard output with one JSON document a line, as `logs --json` prints it."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def __str__(self) -> str:
        told = f"docgenctl {' '.join(self.argv)}: exit code {self.exit_code} after {self.seconds:.1f} s"
        return f"{told}\n--- stdout\n{self.stdout[-6000:]}\n--- stderr\n{self.stderr[-6000:]}"


class Stack:
    """A workspace and the stack that docgenctl runs for it.

    Args:
        directory: the workspace; gets a docgen.yaml with the project's name, ports and `settings`.
        state_dir: what DOCGENCTL_STATE_DIR is set to.
        word: ends the project's name, so that `docker ps` tells what a stack is for.
        settings: more of docgen.yaml; sections given here are merged into ours.
        environ: variables besides the inherited ones.
    """

    def __init__(
        self,
        engine: DockerEngine,
        directory: Path,
        state_dir: Path,
        *,
        word: str = "stack",
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        #: Words before every command, such as those that enter a network namespace.
        self.prefix: tuple[str, ...] = ()
        self.engine = engine
        self.directory = directory
        self.state_dir = state_dir
        self.project = f"docgenctl-test-{uuid.uuid4().hex[:6]}-{word[:9]}"
        self.environ = command_environ(state_dir) | dict(environ or {})
        self.settings = merged(self._own_settings(), settings or {})
        self.write_settings()

    def _own_settings(self) -> dict[str, Any]:
        first = random.randrange(_FIRST_PORT, _LAST_PORT, 4 * _PORTS_EACH)
        starts = range(first, first + 4 * _PORTS_EACH, _PORTS_EACH)
        everything, main, health, github = (f"{start}-{start + _PORTS_EACH - 1}" for start in starts)
        return {
            "project": self.project,
            "ports": {"orchestrator": everything},
            "servers": {"main": {"port": main, "health_port": health}, "github": {"port": github}},
        }

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Merge more settings into docgen.yaml."""
        self.settings = merged(self.settings, settings)
        self.write_settings()

    def write_settings(self) -> None:
        # JSON is YAML.
        (self.directory / "docgen.yaml").write_text(json.dumps(self.settings, indent=2) + "\n")

    # -- the command line --------------------------------------------------------------------------
    def run(
        self,
        *argv: str,
        timeout: float = 180,
        environ: Mapping[str, str] | None = None,
        stdin: str = "",
        bare: bool = False,
    ) -> Ran:
        """Run `docgenctl argv…` from a directory that is not the workspace; `bare` names no project."""
        if not bare:
            argv = (*argv, "--project-dir", str(self.directory))
        begun = time.monotonic()
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "docgenctl", *argv],
            cwd=self.state_dir.parent,
            env=self.environ | dict(environ or {}),
            capture_output=True,
            encoding="utf-8",
            input=stdin,
            timeout=timeout,
        )
        return Ran(argv, done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    def start(self, *argv: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command without waiting for it; for tests that watch or kill it."""
        return subprocess.Popen(
            [sys.executable, "-m", "docgenctl", *argv, "--project-dir", str(self.directory)],
            cwd=self.state_dir.parent,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def ok(self, *argv: str, **more: Any) -> Ran:
        """The same; anything but exit code 0 fails the test with all that was printed."""
        ran = self.run(*argv, **more)
        assert ran.exit_code == 0, str(ran)
        return ran

    def up(self, *argv: str, **more: Any) -> dict[str, Any]:
        """`docgenctl up --json`; the first one on a machine builds images and may take minutes."""
        more.setdefault("timeout", 600)
        document: dict[str, Any] = self.ok("up", "--json", *argv, **more).document
        return document

    def logs(self, *services: str, since: str = "") -> list[dict[str, Any]]:
        """All log lines, each with `service`, `stream`, `time`, `text`."""
        return self.ok("logs", *services, "--json", *(["--since", since] if since else [])).lines

    # -- the engine --------------------------------------------------------------------------------
    def containers(self) -> dict[str, str]:
        """Service → container id, as the engine knows them now."""
        return {c.service: c.id for c in self.engine.observe(self.project).containers}

    def inside(self, service: str, *command: str) -> tuple[int, str]:
        """Run a command inside a service's container: exit code and output."""
        result = self.engine.execute(self.containers()[service], command)
        return result.exit_code, result.output

    def python_inside(self, service: str, source: str, *arguments: str) -> Any:
        """Run Python inside a server's container; it prints JSON, which is returned."""
        program = "/opt/docgen/venv/bin/python"
        code, output = self.inside(service, program, "-I", "-c", source, *arguments)
        assert code == 0, output
        return json.loads(output)

    def remove(self) -> None:
        """Everything of this project, by id; images stay."""
        remove_project(self.engine, self.project)

    # -- the endpoint ------------------------------------------------------------------------------
    def endpoint(self) -> dict[str, str]:
        found: dict[str, str] = self.ok("endpoint", "--json").document
        return found

    def ports(self) -> dict[str, int]:
        """Purpose (`orchestrator`, `main`, `main_health`, `github`) → host port."""
        services = self.ok("status", "--json").document
        ports = [port for service in services for port in service["ports"]]
        return {_PURPOSES[port["container_port"]]: port["host_port"] for port in ports}


@dataclass(frozen=True, slots=True)
class Door:
    """All that a client needs, from `docgenctl endpoint --json` alone."""

    url: str
    ca_file: Path
    key: str

    @classmethod
    def of(cls, endpoint: Mapping[str, str]) -> "Door":
        key = Path(endpoint["api_key_file"]).read_text().strip()
        return cls(endpoint["url"], Path(endpoint["ca_file"]), key)

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    def at(self, *, port: int | None = None, path: str = "/mcp") -> "Door":
        """The same gateway by another port or path."""
        parts = urlsplit(self.url)
        netloc = f"{parts.hostname}:{port or parts.port}"
        return Door(urlunsplit((parts.scheme, netloc, path, "", "")), self.ca_file, self.key)

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **more}

    @contextlib.contextmanager
    def http(self, **headers: str) -> Iterator[httpx2.Client]:
        """A plain HTTPS client with the key."""
        with httpx2.Client(
            base_url=self.url.removesuffix("/mcp"),
            verify=self.trust,
            trust_env=False,
            timeout=30,
            headers=self.headers() | headers,
        ) as client:
            yield client

    @contextlib.asynccontextmanager
    async def client(
        self, mode: str = "auto", headers: Mapping[str, str] | None = None, **more: Any
    ) -> AsyncIterator[Client]:
        """The official client; `mode` is `auto` (2026-07-28) or `legacy` (2025-11-25)."""
        async with (
            httpx2.AsyncClient(
                verify=self.trust, headers=self.headers(**(headers or {})), trust_env=False, timeout=120
            ) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=mode, **more) as client,
        ):
            yield client


def command_environ(state_dir: Path) -> dict[str, str]:
    """The environment of commands: ours, without what would configure a stack, and a state of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    cache = os.environ.get("DOCGENCTL_CACHE_DIR")
    return kept | {
        "DOCGENCTL_STATE_DIR": str(state_dir),
        "PYTHONPATH": str(REPOSITORY),
        "NO_COLOR": "1",
        **({"DOCGENCTL_CACHE_DIR": cache} if cache else {}),
    }


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`more` over `base`, section by section."""
    both = dict(base)
    for key, value in more.items():
        below = both.get(key)
        nested = isinstance(value, Mapping) and isinstance(below, Mapping)
        both[key] = merged(below, value) if nested else value
    return both


def engine_api(engine: DockerEngine) -> APIClient:
    """The engine's own words, for what the product does not ask it: raw inspect, history, exports."""
    return APIClient(base_url=engine.info().address, version=engine.info().api_version, timeout=60)


def wait_until(condition: Callable[[], Any], seconds: float = 20, what: str = "the condition") -> Any:
    """Poll until it is true; its value is returned."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.02)
    return value
