"""`files_read`: a file or a piece of it, by bytes or by lines."""

import base64
import hashlib
from typing import Annotated

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.icons import FILE_ICON
from docgen_main.tools.file_arguments import Encoding, FilePath
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import Path, Workspace, display

_READ_MOST = 256 << 10
_LINES_MOST = 5_000
#: how far into a file a line is looked for
_SOUGHT_MOST = 64 << 20


class FileContent(BaseModel):
    """A piece of a file."""

    path: str
    encoding: Encoding
    content: str
    offset: int = Field(description="Where the piece starts, in bytes")
    bytes: int = Field(description="Length of the piece in bytes")
    size: int = Field(description="Size of the whole file in bytes")
    next_offset: int | None = Field(default=None, description="Where the next piece starts; null at the end")
    next_line: int | None = Field(
        default=None, description="The line after the piece, when lines were asked for and more follow"
    )
    sha256: str | None = Field(
        default=None, description="Hash of the whole file, when the piece is all of it"
    )


def add_file_reading(mcp: MCPServer, workspace: Workspace) -> None:
    """Give `mcp` the tool that reads files of `workspace`."""

    @mcp.tool(
        icons=[FILE_ICON],
        title="Read a file",
        description=(
            "Read a file of the workspace, or a piece of it by bytes (offset) or by lines (line, lines): "
            "UTF-8 as text, anything else as base64."
        ),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def files_read(
        path: FilePath,
        offset: Annotated[int, Field(ge=0, le=1 << 40, description="First byte to read")] = 0,
        limit: Annotated[int, Field(ge=1, le=_READ_MOST, description="Bytes to read at most")] = 65_536,
        line: Annotated[
            int | None, Field(ge=1, le=1 << 30, description="First line to read, from 1; instead of offset")
        ] = None,
        lines: Annotated[
            int, Field(ge=1, le=_LINES_MOST, description="Lines to read at most, when line is given")
        ] = 200,
    ) -> FileContent:
        with refusals("files_read", path):
            names = workspace.path(path)
            if line is None:
                return await anyio.to_thread.run_sync(_read, workspace, names, offset, limit)
            if offset:
                raise ToolError("give offset or line, not both")
            return await anyio.to_thread.run_sync(_read_lines, workspace, names, line, lines, limit)


def _read(workspace: Workspace, path: Path, offset: int, limit: int) -> FileContent:
    piece, size = workspace.read_range(path, offset, limit)
    return _content(path, offset, piece, size)


def _read_lines(workspace: Workspace, path: Path, line: int, lines: int, limit: int) -> FileContent:
    offset = workspace.line_offset(path, line, within=_SOUGHT_MOST)
    if offset is None:
        raise ToolError(f"{display(path)} has fewer than {line} lines")
    piece, size = workspace.read_range(path, offset, limit)
    end = _end_of_lines(piece, lines, whole=offset + len(piece) >= size)
    found = _content(path, offset, piece[:end], size)
    if found.next_offset is not None and piece[:end].endswith(b"\n"):
        found.next_line = line + piece.count(b"\n", 0, end)
    return found


def _end_of_lines(piece: bytes, lines: int, *, whole: bool) -> int:
    """Where the last of at most `lines` lines ends; inside a line only when no line fits into the piece."""
    end = 0
    for _ in range(lines):
        following = piece.find(b"\n", end) + 1
        if not following:
            return len(piece) if whole or not end else end
        end = following
    return end


def _content(path: Path, offset: int, piece: bytes, size: int) -> FileContent:
    encoding, content, piece = _decoded(piece, whole=offset + len(piece) >= size)
    end = offset + len(piece)
    return FileContent(
        path=display(path),
        encoding=encoding,
        content=content,
        offset=offset,
        bytes=len(piece),
        size=size,
        next_offset=end if end < size else None,
        sha256=hashlib.sha256(piece).hexdigest() if offset == 0 and end >= size else None,
    )


def _decoded(piece: bytes, *, whole: bool) -> tuple[Encoding, str, bytes]:
    """The piece as text, cut before a character that its end splits; as base64 when it is not text."""
    for cut in range(1 if whole else 4):
        part = piece[: len(piece) - cut]
        try:
            content = part.decode()
        except UnicodeDecodeError:
            continue
        if "\0" in content or not part:
            break
        return "utf-8", content, part
    return ("base64", base64.b64encode(piece).decode(), piece) if piece else ("utf-8", "", piece)
