"""`files_write`, `files_edit`, `files_move`, `files_delete`."""

import base64
import binascii
import hashlib
from typing import Annotated

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.icons import FILE_ICON
from docgen_main.tools.edits import Edit, Replaced, apply_edits
from docgen_main.tools.file_arguments import Encoding, ExpectedSha256, FilePath
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import Workspace, display


class Written(BaseModel):
    """A written file."""

    path: str
    bytes: int
    sha256: str


class Edited(Written):
    """An edited file."""

    replaced: list[Replaced] = Field(description="What each edit did, in the order of the edits")


class Moved(BaseModel):
    """A file or directory that has a new name."""

    path: str = Field(description="Where it is now")
    moved_from: str = Field(description="Where it was")


class Deleted(BaseModel):
    """Something that is gone."""

    path: str
    names: int = Field(description="How many files, directories and links are gone")


def add_file_changes(mcp: MCPServer, workspace: Workspace) -> None:
    """Give `mcp` the tools that change files, all on `workspace`."""
    where = f"below {display(workspace.output)}/" + (
        " or anywhere in the workspace" if workspace.writable else ""
    )
    _add_writing(mcp, workspace, where)
    _add_renaming(mcp, workspace, where)


def _add_writing(mcp: MCPServer, workspace: Workspace, where: str) -> None:
    @mcp.tool(
        icons=[FILE_ICON],
        title="Write a file",
        description=f"Write a whole file {where}, atomically. Directories are made as needed.",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )
    async def files_write(
        path: FilePath,
        content: Annotated[str, Field(description="The new content, encoded as encoding says")],
        encoding: Encoding = "utf-8",
        expected_sha256: Annotated[
            str | None,
            Field(
                pattern="^([0-9a-fA-F]{64}|absent)$",
                description="Write only if the file now has this hash, or 'absent': only if there is none",
            ),
        ] = None,
    ) -> Written:
        with refusals("files_write", path):
            return await anyio.to_thread.run_sync(_write, workspace, path, content, encoding, expected_sha256)

    @mcp.tool(
        icons=[FILE_ICON],
        title="Edit a file",
        description=(
            f"Replace pieces of a file {where}: exact text for exact text, all edits or none, atomically. "
            "Each edit sees what the ones before it left."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
    )
    async def files_edit(
        path: FilePath,
        edits: Annotated[list[Edit], Field(min_length=1, max_length=100, description="What to replace")],
        expected_sha256: ExpectedSha256 = None,
    ) -> Edited:
        with refusals("files_edit", path):
            return await anyio.to_thread.run_sync(_edit, workspace, path, edits, expected_sha256)


def _add_renaming(mcp: MCPServer, workspace: Workspace, where: str) -> None:
    @mcp.tool(
        icons=[FILE_ICON],
        title="Move a file or directory",
        description=f"Give a file or directory {where} another path. A file already there stays by default.",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
    )
    async def files_move(
        path: FilePath,
        new_path: Annotated[str, Field(description="Its path from now on; directories are made as needed")],
        overwrite: Annotated[bool, Field(description="Replace a file that has the new path")] = False,
        expected_sha256: ExpectedSha256 = None,
    ) -> Moved:
        with refusals("files_move", f"{path} -> {new_path}"):
            source, target = workspace.path(path), workspace.path(new_path)
            await anyio.to_thread.run_sync(_move, workspace, source, target, overwrite, expected_sha256)
            return Moved(path=display(target), moved_from=display(source))

    @mcp.tool(
        icons=[FILE_ICON],
        title="Delete a file or directory",
        description=(
            f"Delete a file, a link (not what it points to) or a directory {where}. It cannot be undone."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
    )
    async def files_delete(
        path: FilePath,
        recursive: Annotated[bool, Field(description="Delete a directory with all that is in it")] = False,
        expected_sha256: ExpectedSha256 = None,
    ) -> Deleted:
        with refusals("files_delete", path):
            names = workspace.path(path)
            gone = await anyio.to_thread.run_sync(_delete, workspace, names, recursive, expected_sha256)
            return Deleted(path=display(names), names=gone)


def _write(
    workspace: Workspace, text: str, content: str, encoding: Encoding, expected: str | None
) -> Written:
    path = workspace.path(text)
    try:
        raw = content.encode() if encoding == "utf-8" else base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ToolError(f"the content is not {encoding}: encode it so, or name another encoding") from None
    workspace.write(path, raw, expected_sha256=expected)
    return Written(path="/".join(path), bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())


def _edit(workspace: Workspace, text: str, edits: list[Edit], expected: str | None) -> Edited:
    path = workspace.path(text)
    replaced: list[Replaced] = []

    def change(content: bytes) -> bytes:
        changed, found = apply_edits(content, edits, most=workspace.limits.file_bytes)
        replaced.extend(found)
        return changed

    raw = workspace.edit(path, change, expected_sha256=expected)
    return Edited(
        path="/".join(path), bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest(), replaced=replaced
    )


def _move(
    workspace: Workspace,
    source: tuple[str, ...],
    target: tuple[str, ...],
    overwrite: bool,
    expected: str | None,
) -> None:
    workspace.move(source, target, overwrite=overwrite, expected_sha256=expected)


def _delete(workspace: Workspace, path: tuple[str, ...], recursive: bool, expected: str | None) -> int:
    return workspace.delete(path, recursive=recursive, expected_sha256=expected)
