"""The `files_` tools: the workspace through the guard. Looking is here, the rest beside it."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Literal

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.icons import FILE_ICON
from docgen_main.tools.file_arguments import FilePath
from docgen_main.tools.file_changes import add_file_changes
from docgen_main.tools.file_reading import add_file_reading
from docgen_main.tools.file_search import add_file_search
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import Entry, Path, Workspace, display
from docgen_main.workspace.names import is_plain

_LIST_MOST = 1_000
_HASH_MOST = 256 << 20


class FileEntry(BaseModel):
    """One name in a directory."""

    name: str = Field(description="The name; invisible or undecodable characters are shown as escapes")
    path: str | None = Field(
        description="What to give files_read or files_list; null when it cannot be given"
    )
    type: Literal["file", "directory", "link", "other"]
    bytes: int | None = Field(default=None, description="Size of a file")
    modified: str | None = Field(default=None, description="When a file was changed (RFC 3339)")


class Listing(BaseModel):
    """A page of a directory."""

    path: str
    entries: list[FileEntry]
    total: int = Field(description="Entries of the whole directory; hidden names do not count")
    next_cursor: str | None = Field(default=None, description="Give it as cursor to get the next page")


class FileStatus(BaseModel):
    """What is at a path."""

    path: str
    type: Literal["file", "directory"]
    bytes: int | None = Field(default=None, description="Size of a file")
    modified: str | None = Field(default=None, description="When a file was changed (RFC 3339)")
    sha256: str | None = Field(default=None, description="Hash of a file, for expected_sha256; null when big")
    entries: int | None = Field(default=None, description="Entries of a directory; hidden names do not count")
    writable: bool = Field(description="Whether it may be changed, or something be written in it")


def add_file_tools(mcp: MCPServer, workspace: Workspace) -> None:
    """Give `mcp` the file tools, all on `workspace`."""

    @mcp.tool(
        icons=[FILE_ICON],
        title="List files",
        description="List a directory of the workspace by name, a page at a time. Links are not followed.",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def files_list(
        path: FilePath = ".",
        limit: Annotated[int, Field(ge=1, le=_LIST_MOST, description="Entries per page")] = 200,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> Listing:
        with refusals("files_list", path):
            return await anyio.to_thread.run_sync(_list, workspace, path, limit, cursor)

    @mcp.tool(
        icons=[FILE_ICON],
        title="Look at a file",
        description="Type, size, time and hash of a file without its content, or how much is in a directory.",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def files_stat(path: FilePath) -> FileStatus:
        with refusals("files_stat", path):
            return await anyio.to_thread.run_sync(_stat, workspace, path)

    add_file_reading(mcp, workspace)
    add_file_changes(mcp, workspace)
    add_file_search(mcp, workspace)


def _list(workspace: Workspace, text: str, limit: int, cursor: str | None) -> Listing:
    path = workspace.path(text)
    page, total, more = workspace.page(path, after=_cursor_name(cursor), count=limit)
    return Listing(
        path=display(path),
        entries=[_entry(path, entry) for entry in page],
        total=total,
        next_cursor=_cursor(page[-1].name) if more else None,
    )


def _stat(workspace: Workspace, text: str) -> FileStatus:
    path = workspace.path(text)
    shown, writable = display(path), workspace.may_write_in(path)
    if workspace.is_directory(path):
        total = workspace.page(path, count=0)[1]
        return FileStatus(path=shown, type="directory", entries=total, writable=writable)
    digest, found = workspace.sha256(path, limit=_HASH_MOST)
    return FileStatus(
        path=shown,
        type="file",
        bytes=found.st_size,
        modified=_time(found.st_mtime),
        sha256=digest,
        writable=writable,
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode()


def _cursor_name(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise ToolError("the cursor is not one that files_list gave: start again without it") from None


def _entry(directory: Path, entry: Entry) -> FileEntry:
    speakable = not any("\ud800" <= character <= "\udfff" for character in entry.name)
    known = entry.kind == "file"
    return FileEntry(
        name=display(entry.name),
        path="/".join((*directory, entry.name)) if speakable and is_plain(entry.name) else None,
        type=entry.kind,
        bytes=entry.size if known else None,
        modified=_time(entry.modified) if known else None,
    )
