"""`docgenctl version`."""

import os
import platform

from docgenctl import __version__
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json
from docgenctl.model.errors import EngineError

app = new_app()


@app.command()
def version(json_mode: Json = False) -> None:
    """Print the version of docgenctl and of the engine."""
    from docgenctl.engine.discovery import connect

    console = Console(json_mode=json_mode)
    try:
        info = connect(os.environ).info()
        engine = f"{info.name} {info.version}, API {info.api_version}, {info.source}"
    except EngineError as error:
        engine = f"none: {error.message}"
    if json_mode:
        console.json({"docgenctl": __version__, "python": platform.python_version(), "engine": engine})
        return
    console.line(f"docgenctl {__version__}")
    console.line(f"python    {platform.python_version()}")
    console.line(f"engine    {engine}")
