"""Options that several commands share, so that they mean the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from docgenctl.cli import suggestions

ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project-dir",
        "-C",
        help="The workspace; by default the nearest directory upwards with a docgen.yaml or a .git.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Services = Annotated[
    list[str] | None,
    typer.Argument(
        help="Services; all when none is named.",
        metavar="[SERVICE]...",
        autocompletion=suggestions.services,
    ),
]
TimeoutS = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait until it is healthy.")]
Port = Annotated[
    str | None,
    typer.Option(
        help="Host port or range of the endpoint; wins over environment and docgen.yaml.", show_default=False
    ),
]
BaseImage = Annotated[
    str | None,
    typer.Option(
        help="Base of the server images; wins over environment and docgen.yaml.", show_default=False
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="What runs the stack: auto, docker or process; wins over environment and docgen.yaml.",
        show_default=False,
    ),
]
WaitLockS = Annotated[
    float,
    typer.Option(
        "--wait-lock", min=0, help="Seconds to wait for another command that is changing this stack."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def setting_flags(
    port: str | None = None, base_image: str | None = None, engine: str | None = None
) -> dict[str, str | None]:
    """Key path → value of the flags that stand for settings, None where one was not given."""
    return {"ports/orchestrator": port, "images/base": base_image, "engine": engine}
