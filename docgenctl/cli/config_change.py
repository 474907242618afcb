"""`docgenctl config set|unset|edit|migrate`."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli import suggestions
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from docgenctl.actions.change_configuration import FileChange

Key = Annotated[
    str,
    typer.Argument(
        help="Key path of a setting, such as servers/main/port.",
        metavar="KEY",
        autocompletion=suggestions.settings,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the difference and write nothing.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands part of `docgenctl config`."""
    app.command("set")(set_)
    app.command("unset")(unset)
    app.command("edit")(edit)
    app.command("migrate")(migrate_)


def set_(
    key: Key,
    value: Annotated[
        str,
        typer.Argument(
            help="The value; lists as a,b or [a, b]. Write -- before one with a dash first.", metavar="VALUE"
        ),
    ],
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    json_mode: Json = False,
) -> None:
    """Write one setting to docgen.yaml, checked, and leave the rest of the file as it is."""
    from docgenctl.actions.change_configuration import set_setting
    from docgenctl.actions.open_project import locate
    from docgenctl.images.facts import all_image_facts

    directory = locate(project_dir)
    change = set_setting(directory, key, value, environ=os.environ, facts=all_image_facts(), dry_run=dry_run)
    _report(change, Console(json_mode=json_mode), dry_run=dry_run)


def unset(key: Key, project_dir: ProjectDir = None, dry_run: DryRun = False, json_mode: Json = False) -> None:
    """Remove a setting or a section from docgen.yaml, so that its default holds."""
    from docgenctl.actions.change_configuration import unset_setting
    from docgenctl.actions.open_project import locate
    from docgenctl.images.facts import all_image_facts

    change = unset_setting(locate(project_dir), key, facts=all_image_facts(), dry_run=dry_run)
    _report(change, Console(json_mode=json_mode), dry_run=dry_run)


def edit(project_dir: ProjectDir = None) -> None:
    """Open docgen.yaml in $VISUAL or $EDITOR; only a text without mistakes takes its place."""
    from docgenctl.actions.edit_configuration import edit_configuration
    from docgenctl.actions.open_project import locate
    from docgenctl.images.facts import all_image_facts

    console = Console()
    if not console.interactive:
        raise UsageError(
            "config edit needs a terminal",
            hint="docgenctl config set KEY VALUE, or write docgen.yaml yourself",
        )

    def again(error: ConfigurationError) -> bool:
        console.error(error)
        return console.confirm("Edit again?")

    changed = edit_configuration(
        locate(project_dir), environ=os.environ, facts=all_image_facts(), again=again
    )
    console.note(_NEXT if changed else "Nothing changed.")


def migrate_(project_dir: ProjectDir = None, dry_run: DryRun = False, json_mode: Json = False) -> None:
    """Bring docgen.yaml to the newest layout; comments and order stay, and so does a copy of the old one."""
    from docgenctl.actions.change_configuration import migrate
    from docgenctl.actions.open_project import locate
    from docgenctl.images.facts import all_image_facts

    change = migrate(locate(project_dir), facts=all_image_facts(), dry_run=dry_run)
    _report(change, Console(json_mode=json_mode), dry_run=dry_run)


_NEXT = "Next: docgenctl plan shows what changes, docgenctl up changes it"


def _report(change: "FileChange", console: Console, *, dry_run: bool) -> None:
    console.notes(change.notes)
    if console.json_mode:
        console.json(_document(change, dry_run=dry_run))
        return
    for line in change.diff.splitlines():
        console.line(line)
    if not change.changed:
        console.note("Nothing to change.")
    elif dry_run:
        console.note("Nothing was written (--dry-run).")
    else:
        kept = f"; the old one is {change.backup.name} beside it" if change.backup else ""
        console.note(f"{change.file} is written{kept}. {_NEXT}")


def _document(change: "FileChange", *, dry_run: bool) -> dict[str, Any]:
    return {
        "file": str(change.file),
        "changed": change.changed,
        "written": change.changed and not dry_run,
        "diff": change.diff,
        "backup": str(change.backup) if change.backup else None,
        "notes": list(change.notes),
    }
