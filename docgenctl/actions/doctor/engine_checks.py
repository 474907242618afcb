"""Checks of the engine: does it answer, who chose it, how old is it, what is known against its parts."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from docgenctl.actions.doctor.scene import Scene
from docgenctl.engine.endpoints import chosen_endpoint
from docgenctl.engine.labels import find_plugin
from docgenctl.host.firewall import active_firewalls
from docgenctl.host.socket_tables import user_name
from docgenctl.model.diagnosis import Outcome, ok, problem, unknown, warning
from docgenctl.model.errors import ConfigurationError, EngineError
from docgenctl.planning.known_holes import FLOORS, known_holes, parse_version, too_old

_PRECEDENCE = "DOCKER_HOST wins over DOCKER_CONTEXT, which wins over the current context"
_COMPOSE_ANSWER_S = 4


def answers(scene: Scene) -> Outcome:
    """An engine answers at the chosen address, within four seconds."""
    try:
        info = scene.engine().info()
    except EngineError as error:
        wanted = _engine_wanted(scene)
        if wanted == "process":
            return ok(f"none is needed: engine is process ({error.message})")
        if wanted == "auto" and error.code == "absent":
            return warning(
                f"{error.message}: up runs the servers as plain processes, which nothing isolates",
                fix=error.hint,
            )
        return problem(f"{error.message} ({error.code})", *error.details, fix=error.hint)
    return ok(f"{info.name} {info.version}, API {info.api_version}, at {info.address} ({info.source})")


def _engine_wanted(scene: Scene) -> str:
    try:
        return scene.settings().engine
    except ConfigurationError:
        return ""


def choice(scene: Scene) -> Outcome:
    """Who chose the engine, what was overruled, and whose socket it is."""
    environ = scene.environ
    endpoint = chosen_endpoint(environ)
    if endpoint is None:
        return ok("the default: no DOCKER_HOST, no DOCKER_CONTEXT, and the current context is default")
    said = f"{endpoint.source} chose {endpoint.address}"
    doubts = []
    if environ.get("DOCKER_HOST") and environ.get("DOCKER_CONTEXT"):
        doubts.append(f"DOCKER_CONTEXT={environ['DOCKER_CONTEXT']} is overruled: {_PRECEDENCE}")
    doubts += _distrust(endpoint.address)
    if doubts:
        return warning(f"{said}; {doubts[0]}", *doubts[1:], fix=endpoint.undo)
    return ok(f"{said} ({_PRECEDENCE})")


def _distrust(address: str) -> list[str]:
    """Reasons not to give the stack's keys to whoever listens there: all of them pass through the engine."""
    parts = urlsplit(address)
    if parts.scheme != "unix":
        if parts.scheme in ("tcp", "http"):
            return ["it is spoken to without TLS, so every user of this machine can be that engine"]
        return []
    path = Path(parts.netloc + parts.path)
    try:
        owner, folder = path.stat().st_uid, path.parent.stat()
    except OSError:
        return []
    found = []
    if owner not in (0, os.geteuid()):
        found.append(f"the socket belongs to {user_name(owner)}, who sees every key of the stack")
    if folder.st_mode & 0o022 and not folder.st_mode & 0o1000:
        found.append(f"others may replace the socket: {path.parent} is writable by them")
    return found


def version(scene: Scene) -> Outcome:
    """The engine is not older than what is tested, and has no known hole by its version."""
    return _judged("engine", scene.engine().info().version)


def parts(scene: Scene) -> Outcome:
    """runc, which starts every container, has no known hole by its version."""
    found = scene.report().components.get("runc", "")
    if not found:
        return unknown("the engine does not tell its runc's version")
    return _judged("runc", found)


def compose(scene: Scene) -> Outcome:
    """The Compose plugin, if there is one: its version, and what is known against it."""
    plugin = find_plugin(scene.environ)
    if plugin is None:
        return ok("no Compose plugin; docgenctl needs none, only `docker compose` does")
    try:
        told = subprocess.run(
            [str(plugin), "version", "--short"],
            capture_output=True,
            check=True,
            text=True,
            timeout=_COMPOSE_ANSWER_S,
            env={"PATH": "/usr/bin:/bin", "HOME": scene.environ.get("HOME", "/")},
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return warning(f"{plugin} does not run: {error}", fix=f"install the plugin again, or remove {plugin}")
    return _judged("compose", told)


def _judged(component: str, told: str) -> Outcome:
    """A version against floor and table."""
    if not parse_version(told):
        return unknown(f"{component} says {told!r}, which is no version")
    if component in FLOORS and too_old(component, told):
        floor, lacks = FLOORS[component]
        return problem(
            f"{component} {told} is older than {'.'.join(map(str, floor))} and lacks {lacks}",
            fix=_upgrade(component),
        )
    holes = known_holes(component, told, firewalld=any(f.name == "firewalld" for f in active_firewalls()))
    if not holes:
        return ok(f"{component} {told}; nothing known against this version")
    packaged = " The distribution may have repaired it under this number." if _is_packaged(told) else ""
    return warning(
        f"{component} {told} has {len(holes)} known {'hole' if len(holes) == 1 else 'holes'} by its"
        f" number.{packaged}",
        *(f"{hole.id}: {hole.what} ({_repaired(hole.fixed)}; {hole.source})" for hole in holes),
        fix=_upgrade(component),
    )


def _is_packaged(told: str) -> bool:
    return any(mark in told for mark in ("+", "~", "ubuntu", "-"))


def _repaired(fixed: tuple[tuple[int, ...], ...]) -> str:
    return "repaired in " + ", ".join(".".join(map(str, number)) for number in fixed)


def _upgrade(component: str) -> str:
    packages = {"engine": "docker-ce docker.io", "runc": "containerd.io runc"}
    return (
        f"upgrade {component} with your package manager ({packages.get(component, 'docker-compose-plugin')})"
    )


def rootless(scene: Scene) -> Outcome:
    """Whether the engine runs without root, and what that changes."""
    if not scene.engine().info().rootless:
        return ok("the engine runs as root; the stack's containers do not")
    told = ["ports below 1024 cannot be published unless the system allows it"]
    if scene.report().cgroup_version != "2":
        return warning(
            "the engine is rootless on cgroup v1: limits on memory and CPU have no effect",
            *told,
            fix="boot with systemd.unified_cgroup_hierarchy=1",
        )
    return ok("the engine is rootless", *told)


def limits(scene: Scene) -> Outcome:
    """The engine can hold containers to their limits."""
    report = scene.report()
    if report.missing_limits:
        return warning(
            f"limits on {', '.join(report.missing_limits)} have no effect here",
            *report.warnings,
            fix="enable the cgroup controllers for the engine (on rootless: systemd Delegate=yes)",
        )
    return ok(f"memory, cpus and pids are held to; cgroup v{report.cgroup_version or '?'}", *report.warnings)
