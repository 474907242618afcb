"""`docgenctl doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir, Yes
from docgenctl.model.errors import DocgenError, ExitCode, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docgenctl.model.diagnosis import Finding, Repair

app = new_app()

_SIGNS = {"ok": "✔", "warning": "!", "problem": "✘", "unknown": "?"}


@app.command()
def doctor(
    area: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[AREA]...",
            help="Areas (engine, machine, network, surroundings, project, github, leftovers) or single"
            " checks (network/ports); all when none is named.",
        ),
    ] = None,
    project_dir: ProjectDir = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair what can be repaired safely; asks first.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix: only say what would be done.")
    ] = False,
    yes: Yes = False,
    json_mode: Json = False,
) -> None:
    """Check engine, machine, network, surroundings, project and GitHub: verdict, evidence, fix for each."""
    from docgenctl.actions.doctor.catalogue import chosen_checks
    from docgenctl.actions.doctor.run_checks import run_checks
    from docgenctl.actions.doctor.scene import Scene

    console = Console(json_mode=json_mode)
    checks = chosen_checks(area or ())
    findings = run_checks(Scene(project_dir, os.environ), checks)
    repairs = [repair for finding in findings for repair in finding.outcome.repairs] if fix else []
    repaired: list[dict[str, str]] = []
    if repairs and not dry_run:
        repaired = _repair(repairs, console, yes=yes)
        findings = run_checks(Scene(project_dir, os.environ), checks)
    if json_mode:
        planned = [repair.what for repair in repairs] if dry_run else []
        console.json(_document(findings, repaired, planned))
    else:
        _print(findings, console)
        for repair in repairs if dry_run else ():
            console.note(f"would {repair.what}")
    if any(finding.outcome.verdict == "problem" for finding in findings):
        raise typer.Exit(int(ExitCode.NOT_HEALTHY))


def _repair(repairs: Sequence[Repair], console: Console, *, yes: bool) -> list[dict[str, str]]:
    """Do them one by one; each is asked for, unless `yes`. What fails is told and the rest still done."""
    if not yes and not console.interactive:
        raise RefusedError(
            f"{_count(len(repairs), 'repair')} may be done only after a yes",
            hint="docgenctl doctor --fix --yes; or --dry-run to see them",
            code="not_confirmed",
            details=[repair.what for repair in repairs[:20]],
        )
    done = []
    for repair in repairs:
        if not yes and not console.confirm(f"{repair.what[:1].upper()}{repair.what[1:]}?"):
            done.append({"what": repair.what, "result": "declined"})
            continue
        try:
            repair.run()
        except (DocgenError, OSError) as error:
            console.note(f"could not {repair.what}: {error}")
            done.append({"what": repair.what, "result": f"failed: {error}"})
        else:
            console.note(f"done: {repair.what}")
            done.append({"what": repair.what, "result": "done"})
    return done


def _print(findings: Sequence[Finding], console: Console) -> None:
    last = ""
    for finding in findings:
        if finding.area != last:
            console.line(finding.area)
            last = finding.area
        outcome = finding.outcome
        console.line(f"  {_SIGNS[outcome.verdict.value]} {finding.name:<15}{outcome.evidence}")
        if outcome.verdict != "ok":
            for detail in outcome.details:
                console.line(f"      {detail}")
            if outcome.fix:
                console.line(f"      fix: {outcome.fix}")
    counts = {verdict: sum(f.outcome.verdict == verdict for f in findings) for verdict in _SIGNS}
    repairs = sum(len(finding.outcome.repairs) for finding in findings)
    console.note(
        f"{counts['ok']} ok, {_count(counts['warning'], 'warning')}, {_count(counts['problem'], 'problem')},"
        f" {counts['unknown']} unknown" + (f"; --fix could do {_count(repairs, 'repair')}" if repairs else "")
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _document(
    findings: Sequence[Finding], repaired: list[dict[str, str]], planned: list[str]
) -> dict[str, Any]:
    return {
        "healthy": all(finding.outcome.verdict != "problem" for finding in findings),
        "checks": [
            {
                "area": finding.area,
                "name": finding.name,
                "verdict": finding.outcome.verdict.value,
                "evidence": finding.outcome.evidence,
                "details": list(finding.outcome.details),
                "fix": finding.outcome.fix,
                "repairs": [repair.what for repair in finding.outcome.repairs],
            }
            for finding in findings
        ],
        "repaired": repaired,
        "would_repair": planned,
    }
