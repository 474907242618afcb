"""`docgenctl mcp`.

Clients start this command again and again, and wait for it; so the plain form of its command line is read
without Typer (`docgenctl.cli.app`), and everything else, such as `--help`, by Typer as usual.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.options import ProjectDir

app = new_app()


@app.command()
def mcp(
    endpoint: Annotated[
        str,
        typer.Argument(help="A server's own endpoint, or a named one; by default the one for all."),
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with a key made for this client (mode 0600); by default the stack's own key.",
            show_default=False,
        ),
    ] = None,
    project_dir: ProjectDir = None,
) -> None:
    """Serve the stack to one MCP client over standard input and output."""
    from docgenctl.actions.bridge_stdio import bridge_stdio

    bridge_stdio(project_dir, endpoint, os.environ, key_file=key_file)
