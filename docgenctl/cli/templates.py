"""`docgenctl templates`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from docgenctl.cli.answers import Answers, read_answers
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir, Yes
from docgenctl.model.errors import RefusedError

app = new_app(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The template's name.", metavar="NAME")]
Source = Annotated[
    str, typer.Argument(help="A file with the template; - for standard input.", metavar="FILE")
]
OneVersion = Annotated[
    int | None, typer.Option("--version", min=1, help="Version; by default the present one.")
]
Note = Annotated[str, typer.Option("--note", help="Why, for the history.")]
Out = Annotated[str | None, typer.Option("--out", help="File to write to instead of standard output.")]


@app.callback()
def templates() -> None:
    """Make kinds of documents of your own: templates with versions, stored in the stack."""


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List the templates."""
    from docgenctl.actions.use_templates import list_templates

    console = Console(json_mode=json_mode)
    found = list_templates(_opened(project_dir))
    if json_mode:
        console.json(found)
        return
    rows = [[one["name"], str(one["version"]), one["kind"] or "-", one["title"]] for one in found]
    console.table(["TEMPLATE", "VERSION", "KIND", "TITLE"], rows)
    if not rows:
        console.note("There is none yet: docgenctl templates create NAME FILE")


@app.command()
def show(
    name: Name, version: OneVersion = None, project_dir: ProjectDir = None, json_mode: Json = False
) -> None:
    """Print a template's source."""
    found = _use(project_dir, "show", name=name, version=version)
    _print(Console(json_mode=json_mode), found, str(found["source"]))


@app.command()
def history(name: Name, project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List a template's versions, the newest first."""
    console = Console(json_mode=json_mode)
    found = _use(project_dir, "history", name=name)
    if json_mode:
        console.json(found)
        return
    rows = [
        [str(one["version"]), one["created"], one["by"] or "-", str(one["bytes"]), one["note"]]
        for one in found["versions"]
    ]
    console.table(["VERSION", "STORED", "BY", "BYTES", "NOTE"], rows)


@app.command()
def diff(
    name: Name,
    from_version: Annotated[
        int | None, typer.Option("--from", min=1, help="By default the one before.")
    ] = None,
    to_version: Annotated[int | None, typer.Option("--to", min=1, help="By default the present one.")] = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Show what changed between two versions."""
    found = _use(project_dir, "diff", name=name, from_version=from_version, to_version=to_version)
    console = Console(json_mode=json_mode)
    _print(console, found, str(found["diff"]))
    if not found["diff"] and not json_mode:
        console.note("They are the same.")


@app.command()
def create(
    name: Name, file: Source, note: Note = "", project_dir: ProjectDir = None, json_mode: Json = False
) -> None:
    """Store a new template."""
    _stored(
        Console(json_mode=json_mode), _use(project_dir, "create", name=name, source=_read(file), note=note)
    )


@app.command()
def update(
    name: Name,
    file: Source,
    expected: Annotated[
        int | None, typer.Option("--expected", min=1, help="Only if this is the present version.")
    ] = None,
    note: Note = "",
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Store a new version of a template."""
    from docgenctl.actions.use_templates import update_template

    text = _read(file)
    found = update_template(_opened(project_dir), name, text, expected_version=expected, note=note)
    _stored(Console(json_mode=json_mode), found)


@app.command()
def rollback(
    name: Name,
    version: Annotated[
        int, typer.Argument(min=1, help="The version whose text comes back.", metavar="VERSION")
    ],
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Make an earlier version the present one, as a new version."""
    _stored(Console(json_mode=json_mode), _use(project_dir, "rollback", name=name, version=version))


@app.command()
def delete(name: Name, yes: Yes = False, project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Delete a template with all its versions; documents made of it stay."""
    console = Console(json_mode=json_mode)
    if not yes and not console.confirm(f"Delete the template {name} with all its versions?"):
        raise RefusedError(f"the template {name} was not deleted", hint="add --yes to delete it")
    found = _use(project_dir, "delete", name=name)
    _print(console, found, f"deleted {name} (its last version was {found['version']})")


@app.command()
def preview(
    file: Annotated[
        str, typer.Argument(help="A file with a template (- for standard input), or a stored one's name.")
    ],
    answers: Answers = None,
    version: OneVersion = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Print what a template gives; variables without a value get a sample, and nothing is stored."""
    console = Console(json_mode=json_mode)
    stored = file != "-" and not Path(file).exists()
    chosen: dict[str, Any] = {"name": file, "version": version} if stored else {"source": _read(file)}
    found = _use(project_dir, "preview", variables=read_answers(answers), **chosen)
    if not json_mode and found["sampled"]:
        console.note(f"Samples stand for: {', '.join(found['sampled'])}")
    _print(console, found, str(found["markdown"]))


@app.command()
def render(
    name: Name,
    answers: Answers = None,
    version: OneVersion = None,
    title: Annotated[str | None, typer.Option(help="Heading of the document.")] = None,
    out: Annotated[str | None, typer.Option("--out", help="Markdown file in the output folder.")] = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Fill a template, to standard output or into a file of the output folder."""
    found = _use(
        project_dir,
        "render",
        name=name,
        variables=read_answers(answers),
        version=version,
        title=title,
        path=out,
    )
    _print(Console(json_mode=json_mode), found, str(found["path"] if out else found["markdown"]))


@app.command("export")
def export_command(
    name: Name,
    version: OneVersion = None,
    out: Out = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Print a template as one text that import takes, here or elsewhere."""
    console = Console(json_mode=json_mode)
    found = _use(project_dir, "export", name=name, version=version)
    if out is None:
        _print(console, found, str(found["bundle"]))
        return
    try:
        Path(out).write_text(str(found["bundle"]), encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{out} was not written: {error.strerror}", hint="give another --out") from None
    _print(console, {**found, "file": out}, out)


@app.command("import")
def import_command(
    file: Source,
    name: Annotated[str | None, typer.Option("--name", help="Name to store it under.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make it the next version of the template that --name names.")
    ] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Store an exported template."""
    from docgenctl.actions.use_templates import import_template
    from docgenctl.model.errors import UsageError

    if replace and name is None:
        raise UsageError("--replace needs the name of the template", hint="add --name NAME")
    console = Console(json_mode=json_mode)
    found = import_template(_opened(project_dir), _read(file), name=name, replace=replace)
    if found["changed"] and not json_mode:
        console.note("Note: its text is not the one that was exported.")
    _stored(console, found)


def _opened(project_dir: Path | None) -> Any:
    from docgenctl.actions.open_project import open_project

    return open_project(project_dir, os.environ)


def _use(project_dir: Path | None, tool: str, **arguments: Any) -> dict[str, Any]:
    from docgenctl.actions.use_templates import use_template

    return use_template(_opened(project_dir), tool, **arguments)


def _read(file: str) -> str:
    from docgenctl.actions.use_templates import read_text

    return sys.stdin.read() if file == "-" else read_text(Path(file))


def _stored(console: Console, found: dict[str, Any]) -> None:
    made = f", kind {found['kind']} of docgenctl generate" if found["kind"] else ""
    _print(console, found, f"{found['name']} version {found['version']}{made}")


def _print(console: Console, found: dict[str, Any], text: str) -> None:
    if console.json_mode:
        console.json(found)
    else:
        console.text(text)
