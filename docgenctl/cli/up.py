"""`docgenctl up`."""

from __future__ import annotations

import os
import shutil
import sys
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
    from docgenctl.actions.up import UpResult
    from docgenctl.model.observed import EngineInfo
    from docgenctl.model.proof import Proof

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
    from docgenctl.actions.foresee import foresee_up
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.prove import refuse_reached
    from docgenctl.actions.prove_isolation import prove_isolation
    from docgenctl.actions.up import bring_up, prepare_stack
    from docgenctl.actions.use_tools import learn_tools

    console = Console(json_mode=json_mode)
    flags = setting_flags(port, base_image, engine)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, flags, wait_lock_s=wait_lock)
        console.notes(opened.configuration.notes)
        chosen = open_engine(opened)
        names = frozenset({"gateway", "orchestrator", "egress", *opened.configuration.settings.servers})
        renewed = names if recreate else frozenset()
        if dry_run:
            forecast = foresee_up(opened, chosen, rebuild=build, recreate=renewed, no_start=no_start)
            show_forecast(forecast, console)
            return
    proofs: tuple[Proof, ...] | None = None
    with console.progress() as reporter:
        info = chosen.info()
        reporter.say(f"{opened.project.name} on {info.name} {info.version} ({info.source})")
        if no_start:
            design, plan = prepare_stack(opened, chosen, reporter, rebuild=build)
            tell_prepared(design.stack, plan, console)
            return
        result = bring_up(
            opened,
            chosen,
            reporter,
            timeout_s=timeout,
            rebuild=build,
            recreate=renewed,
        )
        if not result.plan.empty:
            learn_tools(opened)
        if info.isolates and (not result.plan.empty if prove is None else prove):
            proofs = prove_isolation(opened, chosen)
            refuse_reached(proofs)
    if json_mode:
        console.json(_document(result, info, proofs))
    else:
        _print(result, info, proofs, console)


def _document(result: UpResult, info: EngineInfo, proofs: tuple[Proof, ...] | None) -> dict[str, Any]:
    return {
        "project": result.design.stack.project,
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
    services = result.design.stack.services
    ports = [str(port.host_port) for service in services for port in service.ports]
    console.line(f"✔ {info.name} {info.version.partition('+')[0]} · ports {', '.join(ports)}")
    if result.plan.empty:
        console.line(f"✔ nothing to do: {len(services)} services run as configured, and are healthy")
    else:
        console.line(f"✔ {len(services)} services healthy in {result.healthy_after_s:.1f} s")
    for line in tool_lines(result.proofs):
        console.line(line)
    if not info.isolates:
        console.line(f"! {NOT_ISOLATED}")
        for line in info.missing:
            console.line(f"  {line}")
    elif proofs is None:
        console.line(f"· who reaches whom was not tried this time; {_program()} prove does")
    else:
        servers = [service.name for service in services if service.name not in _OF_THE_STACK]
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


_OF_THE_STACK = ("gateway", "orchestrator", "egress")


def _program() -> str:
    """How this program is called here: by its name if the shell finds it, else as it was called just now."""
    if shutil.which("docgenctl"):
        return "docgenctl"
    return f"{sys.executable} -m docgenctl" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
