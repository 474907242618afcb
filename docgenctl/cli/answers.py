"""`--set name=value`: what a document or template has to be told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from docgenctl.model.errors import UsageError

Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="An answer, as name=value; name=@FILE reads it from a file; the same name again makes a list.",
        metavar="NAME=VALUE",
    ),
]


def read_answers(texts: Sequence[str] | None) -> dict[str, Any]:
    """Name → value of each `--set`, a list where a name came more than once. Raises UsageError."""
    found: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {text}: there is no name=value in it", hint='write --set "name=value"')
        value = _from_file(name, value[1:]) if value.startswith("@") else value
        before = found.get(name)
        found[name] = (
            value if before is None else [*(before if isinstance(before, list) else [before]), value]
        )
    return found


def _from_file(name: str, path: str) -> str:
    from docgenctl.actions.use_templates import read_text

    try:
        return read_text(Path(path)).rstrip("\n")
    except UsageError as error:
        raise UsageError(f"--set {name}: {error.message}", hint=error.hint) from None
