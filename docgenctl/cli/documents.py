"""`docgenctl documents`."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

app = new_app(no_args_is_help=True)

Document = Annotated[
    str,
    typer.Argument(help="Path of the document, in the output folder or from the top.", metavar="DOCUMENT"),
]


@app.callback()
def documents() -> None:
    """List the documents, say how one was made, export it."""


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List the documents of the output folder."""
    from docgenctl.actions.use_documents import list_documents

    console = Console(json_mode=json_mode)
    found = list_documents(_opened(project_dir))
    if json_mode:
        console.json(found)
        return
    console.table(["DOCUMENT", "KIND", "STATE", "BYTES", "WORDED BY", "MADE"], [_row(one) for one in found])
    if not found:
        console.note("There is none yet: docgenctl generate readme")


@app.command()
def show(document: Document, project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Say how a document was made: sources, models, cost, and what people edited since."""
    from docgenctl.actions.use_documents import show_document

    console = Console(json_mode=json_mode)
    found = show_document(_opened(project_dir), document)
    if json_mode:
        console.json(found)
        return
    for line in _page(found):
        console.text(line)
    console.table(
        ["SECTION", "STATE", "MODEL"],
        [[one["title"], str(one["state"]), str(one["model"])] for one in found["sections"]],
    )
    for path in found["changed_sources"]:
        console.text(f"changed since: {path}")


@app.command()
def export(
    document: Document,
    form: Annotated[
        Literal["html", "markdown"],
        typer.Option("--format", help="html: one page that needs nothing else; markdown: without our marks."),
    ] = "html",
    out: Annotated[str | None, typer.Option("--out", help="File to write, anywhere on this machine.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it.")] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Make one HTML page, or plain Markdown, of a document."""
    from docgenctl.actions.use_documents import export_document
    from docgenctl.host.opener import open_file

    console = Console(json_mode=json_mode)
    path = export_document(_opened(project_dir), document, form, out)
    if json_mode:
        console.json({"file": str(path), "format": form})
    else:
        console.line(str(path))
    if open_it and not open_file(path):
        console.note("There is no desktop here to open it with; the file is where the line above says.")


def _opened(project_dir: Path | None) -> Any:
    from docgenctl.actions.open_project import open_project

    return open_project(project_dir, os.environ)


def _row(one: dict[str, Any]) -> list[str]:
    return [
        str(one["path"]),
        str(one["kind"] or "-"),
        str(one["state"]),
        f"{one['bytes']:,}",
        ", ".join(one["models"]) or "-",
        str(one["made_at"] or "-")[:19],
    ]


def _page(found: dict[str, Any]) -> list[str]:
    cost = found["cost_usd"]
    title = f"{found['title']}, " if found["title"] else ""
    template = (
        f", template {found['template']} version {found['template_version']}" if found["template"] else ""
    )
    return [
        f"{found['path']}: {title}{found['kind']}{template}",
        f"{found['bytes']:,} bytes of {found['format']}, {found['state']}, sha256 {found['sha256']}",
        f"made {str(found['made_at'])[:19]} in {found['duration_ms']:,} ms by {', '.join(found['models'])}, "
        + ("cost unknown" if cost is None else f"${cost:.4f}"),
    ]
