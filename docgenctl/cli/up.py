"""`docgenctl up`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import (
    BaseImage,
    DryRun,
    EngineName,
    Json,
    Port,
    ProjectDir,
    TimeoutS,
    WaitLockS,
    setting_flags,
)
from docgenctl.cli.prepared import step_documents, tell_prepared
from docgenctl.cli.proofs import NOT_ISOLATED, isolation_lines, proof_documents, tool_lines

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.actions.up_result import UpResult
    from docgenctl.model.observed import EngineInfo
    from docgenctl.model.progress import Reporter
    from docgenctl.model.project import Project
    from docgenctl.model.proof import Proof

    #: What it came to, where, and who was kept from whom; None when that was not tried.
    Ended = tuple[UpResult, EngineInfo, tuple[Proof, ...] | None]

app = new_app()


@app.command()
def up(
    project_dir: ProjectDir = None,
    timeout: TimeoutS = 120,
    build: Annotated[bool, typer.Option("--build", help="Build all images anew.")] = False,
    recreate: Annotated[bool, typer.Option("--recreate", help="Recreate every container.")] = False,
    prove: Annotated[
        bool | None,
        typer.Option(
            "--prove/--no-prove",
            help="Try from inside who reaches whom; by default when something was changed.",
            show_default=False,
        ),
    ] = None,
    no_start: Annotated[
        bool, typer.Option("--no-start", help="Stop before containers: images, files, filled volumes.")
    ] = False,
    port: Port = None,
    base_image: BaseImage = None,
    engine: EngineName = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Build what changed, start the stack, wait until it is healthy and prove it."""
    console = Console(json_mode=json_mode)
    wanted = _Wanted(
        project_dir=project_dir,
        flags=setting_flags(port, base_image, engine),
        timeout_s=timeout,
        wait_lock_s=wait_lock,
        build=build,
        recreate=recreate,
    )
    if dry_run:
        _foresee(wanted, console, no_start=no_start)
    elif no_start:
        _prepare(wanted, console)
    else:
        ended = (None if prove else _nothing_to_do(wanted, console)) or _bring_up(wanted, console, prove)
        if json_mode:
            console.json(_document(*ended))
        else:
            _print(*ended, console)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the command line says; times are in seconds."""

    project_dir: Path | None
    flags: Mapping[str, str | None]
    timeout_s: float
    wait_lock_s: float
    build: bool
    recreate: bool

    @property
    def plain(self) -> bool:
        """Whether it asks for nothing but what is configured."""
        return not self.build and not self.recreate and not any(self.flags.values())

    def renewed(self, opened: OpenProject) -> frozenset[str]:
        """Names of the services to recreate in any case."""
        servers = opened.configuration.settings.servers
        return frozenset({*_OF_THE_STACK, *servers}) if self.recreate else frozenset()


def _foresee(wanted: _Wanted, console: Console, *, no_start: bool) -> None:
    from docgenctl.actions.foresee import foresee_up
    from docgenctl.actions.open_engine import open_engine

    with rehearsing(True):
        opened = _open(wanted, console)
        forecast = foresee_up(
            opened,
            open_engine(opened),
            rebuild=wanted.build,
            recreate=wanted.renewed(opened),
            no_start=no_start,
        )
        show_forecast(forecast, console)


def _prepare(wanted: _Wanted, console: Console) -> None:
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.up import prepare_stack

    opened = _open(wanted, console)
    chosen = open_engine(opened)
    with console.progress() as reporter:
        _say_where(opened.project, chosen.info(), reporter)
        design, plan = prepare_stack(opened, chosen, reporter, rebuild=wanted.build)
    tell_prepared(design.stack, plan, console)


def _nothing_to_do(wanted: _Wanted, console: Console) -> Ended | None:
    """A stack that is as the last `up` left it, healthy and proved; None when that is not sure."""
    from docgenctl.actions.glance import glance
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.up_note import nothing_to_bring_up

    found = glance(wanted.project_dir, os.environ) if wanted.plain else None
    if found is None:
        return None
    chosen = open_engine(found)
    info = chosen.info()
    with console.progress() as reporter:
        result = nothing_to_bring_up(
            found, chosen, reporter, timeout_s=wanted.timeout_s, wait_lock_s=wanted.wait_lock_s
        )
        if result is None:
            chosen.close()
            return None
        console.notes(found.notes)
        _say_where(found.project, info, reporter)
    return result, info, None


def _bring_up(wanted: _Wanted, console: Console, prove: bool | None) -> Ended:
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.prove import refuse_reached
    from docgenctl.actions.prove_isolation import prove_isolation
    from docgenctl.actions.up import bring_up
    from docgenctl.actions.use_tools import learn_tools

    opened = _open(wanted, console)
    chosen = open_engine(opened)
    info = chosen.info()
    proofs: tuple[Proof, ...] | None = None
    with console.progress() as reporter:
        _say_where(opened.project, info, reporter)
        result = bring_up(
            opened,
            chosen,
            reporter,
            timeout_s=wanted.timeout_s,
            rebuild=wanted.build,
            recreate=wanted.renewed(opened),
        )
        if not result.plan.empty:
            learn_tools(opened)
        if info.isolates and (not result.plan.empty if prove is None else prove):
            proofs = prove_isolation(opened, chosen)
            refuse_reached(proofs)
    return result, info, proofs


def _open(wanted: _Wanted, console: Console) -> OpenProject:
    from docgenctl.actions.open_project import open_project

    opened = open_project(wanted.project_dir, os.environ, wanted.flags, wait_lock_s=wanted.wait_lock_s)
    console.notes(opened.configuration.notes)
    return opened


def _say_where(project: Project, info: EngineInfo, reporter: Reporter) -> None:
    reporter.say(f"{project.name} on {info.name} {info.version} ({info.source})")


def _document(result: UpResult, info: EngineInfo, proofs: tuple[Proof, ...] | None) -> dict[str, Any]:
    return {
        "project": result.project,
        "engine": {"name": info.name, "version": info.version, "isolates": info.isolates},
        "changed": not result.plan.empty,
        "steps": step_documents(result.plan),
        "endpoint": result.endpoint.as_json(),
        "ports": dict(result.ports),
        "healthy_after_s": round(result.healthy_after_s, 3),
        "proofs": as_json(result.proofs),
        "isolation": None if proofs is None else proof_documents(proofs),
    }


def _print(result: UpResult, info: EngineInfo, proofs: tuple[Proof, ...] | None, console: Console) -> None:
    ports = [str(result.ports[purpose]) for purpose in sorted(result.ports, key=_order)]
    console.line(f"✔ {info.name} {info.version.partition('+')[0]} · ports {', '.join(ports)}")
    if result.plan.empty:
        console.line(f"✔ nothing to do: {len(result.services)} services run as configured, and are healthy")
    else:
        console.line(f"✔ {len(result.services)} services healthy in {result.healthy_after_s:.1f} s")
    for line in tool_lines(result.proofs):
        console.line(line)
    if not info.isolates:
        console.line(f"! {NOT_ISOLATED}")
        for line in info.missing:
            console.line(f"  {line}")
    elif proofs is None:
        console.line(f"· who reaches whom was not tried this time; {_program()} prove does")
    else:
        servers = [name for name in result.services if name not in _OF_THE_STACK]
        for line in isolation_lines(proofs, servers):
            console.line(line)
    console.line()
    for label, value in (
        ("MCP endpoint", result.endpoint.url),
        ("certificate", result.endpoint.ca_file),
        ("API key in", result.endpoint.api_key_file),
        ("next", f"{_program()} generate readme --open"),
    ):
        console.line(f"{label:<14}{value}")


_OF_THE_STACK = ("gateway", "orchestrator", "egress", "valkey")


def _order(purpose: str) -> tuple[bool, str]:
    """The port that clients use first."""
    return purpose != "orchestrator", purpose


def _program() -> str:
    """How this program is called here: by its name if the shell finds it, else as it was called just now."""
    if shutil.which("docgenctl"):
        return "docgenctl"
    return f"{sys.executable} -m docgenctl" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
