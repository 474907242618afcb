"""`docgenctl base-image`."""

import os
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json

app = new_app()


@app.command()
def base_image(
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make it anew, with the packages' newest versions.")
    ] = False,
    json_mode: Json = False,
) -> None:
    """Build the base image from Debian packages, without a registry."""
    from docgenctl.actions.cache import cache_directory
    from docgenctl.actions.choose_bases import base_from_packages
    from docgenctl.engine.discovery import connect

    console = Console(json_mode=json_mode)
    engine = connect(os.environ)
    with console.progress() as reporter:
        files = base_from_packages(engine, cache_directory(os.environ), reporter, because="", refresh=refresh)
    if json_mode:
        console.json({"reference": files.reference, "root_tar": str(files.root_tar), "digest": files.digest})
    else:
        console.line(files.reference)
