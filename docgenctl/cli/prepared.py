"""What `up --no-start` says: what is ready, and how it is started without this tool."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from docgenctl.cli.console import Console

if TYPE_CHECKING:
    from docgenctl.model.plan import Plan
    from docgenctl.model.stack import Stack


def step_documents(plan: Plan) -> list[dict[str, str]]:
    """The steps of a plan for programs."""
    return [{"verb": step.verb.value, "subject": step.subject, "cause": step.cause} for step in plan.steps]


def tell_prepared(stack: Stack, plan: Plan, console: Console) -> None:
    """The result of `up --no-start`."""
    if console.json_mode:
        console.json(
            {
                "project": stack.project,
                "changed": not plan.empty,
                "steps": step_documents(plan),
                "compose_file": stack.compose_file,
            }
        )
        return
    console.line(f"images, files and {len(stack.volumes)} volumes are ready; nothing was started")
    console.line(f"next          docker compose -f {shlex.quote(stack.compose_file)} up --wait")
