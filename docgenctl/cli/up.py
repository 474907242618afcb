"""`docgenctl up`."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import (
    BaseImage,
    EngineName,
    Json,
    Port,
    ProjectDir,
    TimeoutS,
    WaitLockS,
    setting_flags,
)

if TYPE_CHECKING:
    from docgenctl.actions.up import UpResult

app = new_app()


@app.command()
def up(
    project_dir: ProjectDir = None,
    timeout: TimeoutS = 120,
    build: Annotated[bool, typer.Option("--build", help="Build all images anew.")] = False,
    recreate: Annotated[bool, typer.Option("--recreate", help="Recreate every container.")] = False,
    port: Port = None,
    base_image: BaseImage = None,
    engine: EngineName = None,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Build what changed, start the stack, wait until it is healthy and prove it."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.up import bring_up

    console = Console(json_mode=json_mode)
    opened = open_project(
        project_dir, os.environ, setting_flags(port, base_image, engine), wait_lock_s=wait_lock
    )
    chosen = open_engine(opened)
    with console.progress() as reporter:
        info = chosen.info()
        reporter.say(f"{opened.project.name} on {info.name} {info.version} ({info.source})")
        names = frozenset({"gateway", "orchestrator", "egress", *opened.configuration.settings.servers})
        result = bring_up(
            opened,
            chosen,
            reporter,
            timeout_s=timeout,
            rebuild=build,
            recreate=names if recreate else frozenset(),
        )
    if json_mode:
        console.json(_document(result))
    else:
        _print(result, console)


def _document(result: UpResult) -> dict[str, Any]:
    return {
        "project": result.design.stack.project,
        "changed": not result.plan.empty,
        "steps": [
            {"verb": step.verb.value, "subject": step.subject, "cause": step.cause}
            for step in result.plan.steps
        ],
        "endpoint": result.endpoint.as_json(),
        "ports": dict(result.ports),
        "healthy_after_s": round(result.healthy_after_s, 3),
        "proofs": as_json(result.proofs),
    }


def _print(result: UpResult, console: Console) -> None:
    stack = result.design.stack
    if result.plan.empty:
        console.note(f"Nothing to do: all {len(stack.services)} containers run as configured.")
    rows = [
        [service.name, "healthy", _ports(service.ports), service.image]
        for service in sorted(stack.services, key=lambda service: service.name)
    ]
    console.table(["SERVICE", "HEALTH", "PORTS", "IMAGE"], rows)
    console.line()
    for proof in result.proofs:
        sign = "✔" if proof.ok else "✘"
        console.line(f"{sign} {proof.subject} {proof.detail} in {proof.latency_ms:.0f} ms")
    if not result.plan.empty:
        console.line(f"✔ all healthy in {result.healthy_after_s:.1f} s")
    console.line()
    for label, value in (
        ("MCP endpoint", result.endpoint.url),
        ("certificate", result.endpoint.ca_file),
        ("API key in", result.endpoint.api_key_file),
        ("next", f"{_program()} generate readme --open"),
    ):
        console.line(f"{label:<14}{value}")


def _program() -> str:
    """How this program is called here: by its name if the shell finds it, else as it was called just now."""
    if shutil.which("docgenctl"):
        return "docgenctl"
    return f"{sys.executable} -m docgenctl" if sys.argv[0].endswith("__main__.py") else sys.argv[0]


def _ports(ports: Any) -> str:
    return ", ".join(f"{port.host_ip}:{port.host_port}" for port in ports) or "-"
