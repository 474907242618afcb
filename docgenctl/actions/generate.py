"""`docgenctl generate`: let the main server write a document, and see its sections as they are made."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress
from docgenctl.model.errors import DocgenError, ExitCode

TOOL = "docs_generate"
#: Longest silence between two sections.
SILENCE_S = 300.0


class GenerationFailedError(DocgenError):
    """The server could not make the document; its words are the message."""

    exit_code = ExitCode.NOT_HEALTHY
    default_code = "generation_failed"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One finished section as it arrives."""

    title: str
    markdown: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """The finished document: its path on this machine and what the server says of it."""

    path: Path
    facts: dict[str, Any]


def generate_document(
    opened: OpenProject,
    kind: str,
    on_section: Callable[[Section], None],
    *,
    title: str | None = None,
    path: str | None = None,
) -> Document:
    """Make a document of that kind; `on_section` gets each section as soon as it is complete.

    Raises GenerationFailedError with the server's words, NotHealthyError when the stack cannot be reached.
    """
    arguments = {"kind": kind, "title": title, "path": path}
    with McpEndpoint(find_endpoint(opened), timeout_s=SILENCE_S) as client:
        result = client.call_tool(
            TOOL,
            {name: value for name, value in arguments.items() if value is not None},
            lambda progress: _tell(progress, on_section),
        )
    if result.is_error or not isinstance(result.structured, dict):
        raise GenerationFailedError(result.text or "the server made no document", hint="docgenctl logs main")
    return Document(path=opened.project.directory / str(result.structured["path"]), facts=result.structured)


def _tell(progress: Progress, on_section: Callable[[Section], None]) -> None:
    """Sections travel as JSON in the progress message; any other message is not one."""
    try:
        content = json.loads(progress.message)
        section = Section(
            title=str(content["section"]),
            markdown=str(content["markdown"]),
        )
    except (ValueError, TypeError, KeyError):
        return
    on_section(section)
