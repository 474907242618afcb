"""How a project is run, as its files say: containers, processes, ports, probes, variables it reads."""

import re
from dataclasses import dataclass

from docgen_main.facts import Project
from docgen_main.facts.languages import is_test
from docgen_main.facts.model import Command, Route

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_START = frozenset({"start", "run", "serve", "server", "up", "dev", "watch", "deploy", "launch"})
_STOP = frozenset({"stop", "down", "kill", "shutdown", "teardown"})
_LOOK = frozenset({"status", "health", "ps", "ping", "doctor"})
_LOGS = frozenset({"logs", "log", "tail"})
_LAST = re.compile(r"([A-Za-z0-9_-]+)$")
_SERVICE = re.compile(r"^ {2}([A-Za-z0-9._-]{1,60}):\s*(?:#.*)?$")
_PROCESS = re.compile(r"^([A-Za-z0-9_-]{1,60}):\s*(.{1,300})$")
_INSTRUCTION = re.compile(r"^(EXPOSE|HEALTHCHECK|CMD|ENTRYPOINT|STOPSIGNAL|VOLUME|USER)\s+(.{1,300})$", re.I)
_PROBES = frozenset({"health", "healthz", "livez", "readyz", "ready", "live", "ping", "metrics", "status"})
_MOST = 200


@dataclass(frozen=True, slots=True)
class Stated:
    """Something a file says: what it is about, what it says, and the file."""

    name: str
    value: str
    source: str


def compose_file(project: Project) -> str:
    """The compose file of the top directory, or ""."""
    return next((name for name in _COMPOSE if name in project.top), "")


def services(project: Project) -> list[str]:
    """The services of the compose file, in order."""
    name = compose_file(project)
    found: list[str] = []
    inside = False
    for line in (project.text(name) or "").splitlines() if name else ():
        if line and not line[0].isspace() and not line.startswith("#"):
            inside = line.rstrip() == "services:"
        elif inside and (match := _SERVICE.match(line)):
            found.append(match[1])
    return found[:_MOST]


def starting(project: Project) -> list[Command]:
    """What starts the project: commands of that name, the compose file, programs that it makes."""
    compose = compose_file(project)
    found = [Command("docker compose up --detach", "", compose)] if compose else []
    return [*found, *_named(project, _START), *project.entries[:12]]


def stopping(project: Project) -> list[Command]:
    """What stops it."""
    compose = compose_file(project)
    return [*([Command("docker compose down", "", compose)] if compose else []), *_named(project, _STOP)]


def looking(project: Project) -> list[Command]:
    """What tells whether it is well."""
    compose = compose_file(project)
    return [*([Command("docker compose ps", "", compose)] if compose else []), *_named(project, _LOOK)]


def logging(project: Project) -> list[Command]:
    """What shows its logs."""
    compose = compose_file(project)
    return [*([Command("docker compose logs", "", compose)] if compose else []), *_named(project, _LOGS)]


def _named(project: Project, words: frozenset[str]) -> list[Command]:
    """Commands whose last word begins with one of `words`, as in `make start-all` or `npm run dev`."""
    return [
        command
        for command in project.commands
        if (last := _LAST.search(command.line)) and re.split(r"[-_]", last[1].lower())[0] in words
    ]


def containers(project: Project) -> list[Stated]:
    """What Dockerfiles say about ports, probes, users and how the container starts and stops."""
    return [
        Stated(found[1].upper(), found[2].strip(), path)
        for path in sorted(project.paths, key=lambda path: (path.count("/"), path))
        if path.rpartition("/")[2] in ("Dockerfile", "Containerfile") and not is_test(path)
        for line in (project.text(path) or "").replace("\\\n", " ").splitlines()
        if (found := _INSTRUCTION.match(" ".join(line.split())[:320]))
    ][:_MOST]


def processes(project: Project) -> list[Stated]:
    """The processes that a Procfile declares."""
    text = (project.text("Procfile") or "") if "Procfile" in project.top else ""
    return [Stated(m[1], m[2], "Procfile") for line in text.splitlines() if (m := _PROCESS.match(line[:400]))]


def probes(project: Project) -> list[Route]:
    """Routes that are called like health probes."""
    return [route for route in project.routes if route.path.rstrip("/").rpartition("/")[2] in _PROBES]
