"""Which engine a stack runs on: the configured one, or the one that this machine has.

A stack stays where it is. While containers of it exist as processes, every command is about those; what
would start it elsewhere is refused until it is down.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from docgenctl.actions.cache import cache_directory
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError, RefusedError
from docgenctl.model.project import Project

#: Below a project's state directory.
PROCESSES = "processes"


class WhoseStack(Protocol):
    """What choosing an engine needs: an `OpenProject`, or a `Glance` that read no configuration."""

    @property
    def project(self) -> Project:
        """Whose stack it is."""

    @property
    def engine(self) -> str:
        """The setting: auto, docker or process."""

    @property
    def state_dir(self) -> Path:
        """Where the project's state lies."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The process environment."""


def open_engine(opened: WhoseStack) -> Engine:
    """The engine of this project's stack; every command about a stack gets it here.

    Raises EngineError with the code that tells why none can be had (`stopped`, `denied`, `too_old`,
    `wrong_context`, `unsupported`); where there is no Docker at all, processes are the engine. Raises
    RefusedError (`other_engine`) when the configured engine is not the one that the stack runs on.
    """
    wanted = opened.engine
    if _has_processes(opened):
        if wanted == "docker":
            raise RefusedError(
                "this stack runs as plain processes",
                hint="docgenctl down --engine process, then: docgenctl up --engine docker",
                code="other_engine",
            )
        return _processes(opened, "where this stack runs")
    if wanted == "process":
        _refuse_beside_containers(opened)
        return _processes(opened, "engine: process")
    try:
        return _docker(opened)
    except EngineError as error:
        if wanted == "auto" and error.code == "absent":
            return _processes(opened, "no Docker Engine here")
        if error.code in ("absent", "stopped", "denied", "too_old"):
            way = f"{error.hint}; or without containers: docgenctl up --engine process"
            error.hint = way if error.hint else way.removeprefix("; or ")
        raise


def left_by_processes(opened: WhoseStack, chosen: Engine) -> Engine | None:
    """The engine that keeps data from when this stack ran as processes, unless it is the `chosen` one."""
    if not chosen.info().isolates or not any((opened.state_dir / PROCESSES / "volumes").glob("*.json")):
        return None
    return _processes(opened, "where this stack ran")


def runs_as_processes(opened: WhoseStack) -> bool:
    """Whether the stack runs as processes or is configured to; asks no engine."""
    return opened.engine == "process" or _has_processes(opened)


def _has_processes(opened: WhoseStack) -> bool:
    return any((opened.state_dir / PROCESSES / "containers").glob("*.json"))


def _docker(opened: WhoseStack) -> Engine:
    # Imported when needed: a stack of processes needs nothing of Docker's.
    from docgenctl.engine.discovery import connect

    return connect(opened.environ)


def _processes(opened: WhoseStack, source: str) -> Engine:
    from docgenctl.engine.processes.engine import ProcessEngine

    images = cache_directory(opened.environ) / "process-images"
    return ProcessEngine(opened.state_dir / PROCESSES, images, source=source)


def _refuse_beside_containers(opened: WhoseStack) -> None:
    """Raise RefusedError when Docker answers and has containers of this stack."""
    try:
        docker = _docker(opened)
        containers = docker.observe(opened.project.name).containers
        docker.close()
    except EngineError:
        return  # what does not answer runs nothing that could be in the way now
    if containers:
        raise RefusedError(
            "this stack has containers in a Docker Engine",
            hint="docgenctl down --engine docker, then: docgenctl up --engine process",
            code="other_engine",
        )
