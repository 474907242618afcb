"""`files_search`: text and names in the workspace, in bounded time."""

import base64
import binascii
import json
import threading
from typing import Annotated, Literal

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.icons import FILE_ICON
from docgen_main.search import Hit, PatternError, Query, glob, literal, regex, search
from docgen_main.search.patterns import PATTERN_CHARACTERS, Pattern
from docgen_main.tools.file_arguments import FilePath
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import Path, Workspace, display

_AT_ONCE = 2
_HITS_MOST = 500
_SECONDS = 5


class SearchHit(BaseModel):
    """A line that matches, or a file when no text was asked for."""

    path: str
    line: int | None = Field(default=None, description="Number of the line, from 1")
    text: str | None = Field(default=None, description="The line; of a long one the part that matches")


class NotSearched(BaseModel):
    """A directory or file that was left out."""

    path: str
    reason: str


class SearchResult(BaseModel):
    """A page of hits in order of path and line."""

    hits: list[SearchHit]
    files: int = Field(description="How many files were looked into for this page")
    left_out: list[NotSearched] = Field(description="What was not looked into, and why; at most 50")
    next_cursor: str | None = Field(
        default=None, description="Give it as cursor to go on; null when everything was looked at"
    )


def add_file_search(mcp: MCPServer, workspace: Workspace) -> None:
    """Give `mcp` the search in `workspace`."""
    room = anyio.CapacityLimiter(_AT_ONCE)

    @mcp.tool(
        icons=[FILE_ICON],
        title="Search in files",
        description=(
            "Find lines that hold a text or match a regular expression (RE2 syntax, line by line), or files "
            "by name alone when no text is given. Installed, built and binary files are left out."
        ),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def files_search(
        text: Annotated[
            str, Field(max_length=PATTERN_CHARACTERS, description="What to find in lines; empty: find files")
        ] = "",
        syntax: Annotated[Literal["literal", "regex"], Field(description="What text is")] = "literal",
        ignore_case: Annotated[bool, Field(description="Take upper and lower case as the same")] = False,
        names: Annotated[
            str,
            Field(
                max_length=PATTERN_CHARACTERS,
                description="Only files whose path below path matches, such as '*.py' or 'src/**/*.{ts,tsx}'",
            ),
        ] = "",
        path: FilePath = ".",
        limit: Annotated[int, Field(ge=1, le=_HITS_MOST, description="Hits per page")] = 100,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> SearchResult:
        with refusals("files_search", path):
            query = Query(
                start=workspace.path(path),
                text=_pattern(text, syntax, ignore_case),
                names=_names(names),
                after=_place(cursor),
                most=limit,
                seconds=_SECONDS,
                documents=workspace.output,
            )
            return await _search(workspace, query, room)


async def _search(workspace: Workspace, query: Query, room: anyio.CapacityLimiter) -> SearchResult:
    stopped = threading.Event()
    try:
        found = await anyio.to_thread.run_sync(
            search, workspace, query, stopped, limiter=room, abandon_on_cancel=True
        )
    finally:
        stopped.set()  # when the caller has gone, the thread ends at its next piece
    return SearchResult(
        hits=[_hit(hit) for hit in found.hits],
        files=found.files,
        left_out=[NotSearched(path=item.path, reason=item.reason) for item in found.left_out],
        next_cursor=None if found.resume is None else _cursor(*found.resume),
    )


def _hit(hit: Hit) -> SearchHit:
    shown = display(hit.path)
    return SearchHit(path=shown, line=hit.line, text=hit.text) if hit.line else SearchHit(path=shown)


def _pattern(text: str, syntax: str, ignore_case: bool) -> Pattern | None:
    if not text:
        return None
    try:
        return (regex if syntax == "regex" else literal)(text, ignore_case=ignore_case)
    except PatternError as error:
        raise ToolError(f"text: {error}") from None


def _names(text: str) -> Pattern | None:
    try:
        return glob(text) if text else None
    except PatternError as error:
        raise ToolError(f"names: {error}") from None


def _cursor(path: Path, line: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([line, *path]).encode()).decode()


def _place(cursor: str | None) -> tuple[Path, int]:
    """Where to go on. The path in it is only compared with, never opened."""
    if cursor is None:
        return (), 0
    try:
        line, *names = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if isinstance(line, int) and all(isinstance(name, str) for name in names):
            return tuple(names), line
    except (binascii.Error, ValueError, TypeError):
        pass
    raise ToolError("the cursor is not one that files_search gave: start again without it")
