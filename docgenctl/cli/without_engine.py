"""The engine for commands that say something without one, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.cli.console import Console
    from docgenctl.engine.protocol import Engine


def engine_or_note(opened: OpenProject, console: Console, lacking: str) -> Engine | None:
    """The engine of the project's stack; else None, and a note why, which says what is `lacking` then."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.cli.plain_text import harmless
    from docgenctl.model.errors import DocgenError

    try:
        return open_engine(opened)
    except DocgenError as error:
        why = f"{error.message}; {error.hint}" if error.hint else error.message
        console.note(harmless(f"Without an engine, {lacking}: {why}"))
        return None
