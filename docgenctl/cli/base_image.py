"""`docgenctl base-image`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import DryRun, Json

if TYPE_CHECKING:
    from docgenctl.engine.protocol import Engine

app = new_app()


@app.command()
def base_image(
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make it anew, with the packages' newest versions.")
    ] = False,
    dry_run: DryRun = False,
    json_mode: Json = False,
) -> None:
    """Build the base image from Debian packages, without a registry."""
    from docgenctl.actions.cache import cache_directory
    from docgenctl.actions.choose_bases import base_from_packages
    from docgenctl.engine.discovery import connect

    console = Console(json_mode=json_mode)
    engine = connect(os.environ)
    if dry_run:
        _show_whether_it_is_there(engine, console, refresh=refresh)
        return
    with console.progress() as reporter:
        files = base_from_packages(engine, cache_directory(os.environ), reporter, because="", refresh=refresh)
    if json_mode:
        console.json({"reference": files.reference, "root_tar": str(files.root_tar), "digest": files.digest})
    else:
        console.line(files.reference)


def _show_whether_it_is_there(engine: "Engine", console: Console, *, refresh: bool) -> None:
    from docgenctl.actions.cache import cache_directory
    from docgenctl.images.base_image import find_base

    files = find_base(cache_directory(os.environ), engine.info().architecture)
    reference = files.reference if files else None
    made = refresh or files is None
    imported = made or (files is not None and engine.find_image(files.reference) is None)
    if console.json_mode:
        console.json({"reference": reference, "made": made, "imported": imported})
    elif made:
        console.note("Nothing was changed. A base image would be made from Debian packages and imported.")
    elif imported:
        console.note(f"Nothing was changed. {reference} would be imported from the cache.")
    else:
        console.note(f"Nothing to change: {reference} is there.")
