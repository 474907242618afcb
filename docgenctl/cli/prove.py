"""`docgenctl prove`."""

from __future__ import annotations

import os

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.cli.proofs import NOT_ISOLATED, proof_documents

app = new_app()

_SIGNS = {"blocked": "✔", "reached": "✘", "not_proved": "?"}


@app.command("prove")
def prove_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Prove again: real tool calls, and who cannot reach whom, tried from inside."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.prove import prove
    from docgenctl.model.errors import ExitCode

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    proofs = prove(opened, open_engine(opened))
    if json_mode:
        console.json(
            {
                "proved": proofs.good,
                "isolates": proofs.isolates,
                "tools": as_json(proofs.tools),
                "isolation": proof_documents(proofs.isolation),
            }
        )
    else:
        rows = [
            ["✔" if tool.ok else "✘", tool.subject, f"{tool.detail} in {tool.latency_ms:.0f} ms"]
            for tool in proofs.tools
        ]
        rows += [
            [
                _SIGNS[proof.verdict],
                f"{proof.service} → {proof.target}",
                f"{proof.verdict.replace('_', ' ')}: {proof.detail}",
            ]
            for proof in proofs.isolation
        ]
        console.table(["", "PROOF", "OUTCOME"], rows)
        if not proofs.isolates:
            console.note(NOT_ISOLATED)
    if not proofs.good:
        raise typer.Exit(ExitCode.NOT_HEALTHY)
