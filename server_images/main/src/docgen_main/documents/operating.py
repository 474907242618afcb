"""How a project is run, as its files say: containers, processes, ports, probes, variables it reads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docgen_main.facts import Project
from docgen_main.facts.languages import is_test
from docgen_main.facts.model import Command

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_START = frozenset({"start", "run", "serve", "server", "up", "dev", "watch", "deploy", "launch"})
_STOP = frozenset({"stop", "down", "kill", "shutdown", "teardown"})
_LOOK = frozenset({"status", "health", "ps", "ping", "doctor"})
_LOGS = frozenset({"logs", "log", "tail"})
_LAST = re.compile(r"([A-Za-z0-9_-]+)$")
_SERVICE = re.compile(r"^ {2}([A-Za-z0-9._-]{1,60}):\s*(?:#.*)?$")
_PROCESS = re.compile(r"^([A-Za-z0-9_-]{1,60}):\s*(.{1,300})$")
_INSTRUCTION = re.compile(r"^(EXPOSE|HEALTHCHECK|CMD|ENTRYPOINT|STOPSIGNAL|VOLUME|USER)\s+(.{1,300})$", re.I)
_ASSIGNED = re.compile(r"^(?:export )?([A-Z][A-Z0-9_]{1,60})=(.{0,120})$")
_READ = {
    "Python": re.compile(r"""(?:environ(?:\.get\(|\[)|getenv\()\s*["']([A-Za-z_][A-Za-z0-9_]{1,60})["']"""),
    "JavaScript": re.compile(r"""process\.env(?:\.|\[["'])([A-Za-z_][A-Za-z0-9_]{1,60})"""),
    "Go": re.compile(r'os\.(?:Getenv|LookupEnv)\("([A-Za-z_][A-Za-z0-9_]{1,60})"\)'),
    "Rust": re.compile(r'env(?:::var(?:_os)?\(|!\()"([A-Za-z_][A-Za-z0-9_]{1,60})"'),
    "Java": re.compile(r'System\.getenv\("([A-Za-z_][A-Za-z0-9_]{1,60})"\)'),
}
_READ["TypeScript"] = _READ["JavaScript"]
_PROBE = re.compile(
    r"""["'](/(?:health|healthz|livez|readyz|ready|ping|metrics|status)(?:/[a-z]{1,20})?)["']"""
)
_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Stated:
    """Something a file says: what it is about, what it says, and the file."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """A variable of the environment: its value in an example file, if any, and the files that read it."""

    name: str
    example: str
    sources: tuple[str, ...]


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


def probes(project: Project) -> list[Stated]:
    """Addresses that look like health probes, where a source file has them as a whole text."""
    found: dict[str, Stated] = {}
    for path, _, text in _sources(project):
        for match in _PROBE.finditer(text):
            found.setdefault(match[1], Stated(match[1], "", path))
    return [found[name] for name in sorted(found)][:_MOST]


def environment(project: Project) -> list[EnvironmentVariable]:
    """Variables of the environment that the sources read by a literal name, and those of example files."""
    readers: dict[str, list[str]] = {}
    examples: dict[str, str] = {}
    for name in _EXAMPLES:
        for line in ((project.text(name) or "") if name in project.top else "").splitlines():
            if match := _ASSIGNED.match(line.strip()):
                examples.setdefault(match[1], match[2])
                readers.setdefault(match[1], []).append(name)
    for path, language, text in _sources(project):
        for match in _READ[language].finditer(text):
            if path not in (found := readers.setdefault(match[1], [])):
                found.append(path)
    return [
        EnvironmentVariable(name, examples.get(name, ""), tuple(readers[name])) for name in sorted(readers)
    ][:_MOST]


def _sources(project: Project) -> Iterator[tuple[str, str, str]]:
    """Path, language and text of each source file that is no test, in languages whose habits are known."""
    for file in project.inventory.files:
        if file.language in _READ and not is_test(file.path) and (text := project.text(file.path)):
            yield file.path, file.language, text
