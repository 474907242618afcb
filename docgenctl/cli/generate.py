"""`docgenctl generate`."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import UsageError

if TYPE_CHECKING:
    from docgenctl.actions.generate import Section

#: What the main server makes; a test holds this against the server.
KINDS = (
    "readme",
    "architecture",
    "api-reference",
    "changelog",
    "release-notes",
    "getting-started",
    "runbook",
    "adr",
    "requirements",
    "test-plan",
)

app = new_app()


@app.command()
def generate(
    kind: Annotated[
        str,
        typer.Argument(help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.", autocompletion=lambda: list(KINDS)),
    ],
    title: Annotated[str | None, typer.Option(help="Title; by default the project's name.")] = None,
    out: Annotated[
        str | None, typer.Option(help="File in the output folder; by default named after the kind.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the finished document.")] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Write a document about this repository."""
    from docgenctl.actions.generate import generate_document
    from docgenctl.actions.open_project import open_project
    from docgenctl.host.opener import open_file

    console = Console(json_mode=json_mode)
    _check(kind)
    opened = open_project(project_dir, os.environ)
    document = generate_document(opened, kind, lambda section: _show(section, console), title=title, path=out)
    if json_mode:
        console.json({**document.facts, "file": str(document.path)})
    else:
        console.line(str(document.path))
    if open_it and not open_file(document.path):
        console.note("There is no desktop here to open it with; the file is where the line above says.")


def _check(kind: str) -> None:
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"kinds: {', '.join(KINDS)}"
        raise UsageError(f"there is no document kind {kind!r}", hint=hint)


def _show(section: Section, console: Console) -> None:
    """The section itself to a person at a terminal, a line about it to a log."""
    if console.json_mode:
        return
    if not console.err.isatty():
        console.note(f"✔ {section.title}")
        return
    from rich.console import Console as RichConsole
    from rich.markdown import Markdown

    rich = RichConsole(file=console.err, no_color=not console.colours(console.err), highlight=False)
    rich.rule(style="dim")
    rich.print(Markdown(section.markdown))
