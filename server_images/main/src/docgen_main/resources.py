"""The generated documents as resources, `docs://generated/<path below the output folder>`."""

import copy

import anyio.to_thread
from docgen_common.tool_server import ToolServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Resource, Tool

from docgen_main.documents.address import DOCUMENTS, RECORDS, uri_of
from docgen_main.documents.catalogue import Catalogue
from docgen_main.documents.records import Records
from docgen_main.workspace import MissingError, Path, Workspace, WorkspaceError, display
from docgen_main.workspace.names import is_plain

_LISTED = 1_000


class DocumentServer(ToolServer):
    """An MCP server whose documents and kinds are those that there are when it is asked for them."""

    workspace: Workspace
    catalogue: Catalogue

    async def list_tools(self) -> list[Tool]:
        """All tools; docs_generate with the kinds that there are now, those of users included."""
        tools = await super().list_tools()
        kinds = list(await anyio.to_thread.run_sync(self.catalogue.kinds))
        for number, tool in enumerate(tools):
            if tool.name == "docs_generate":
                schema = copy.deepcopy(tool.input_schema)
                schema["properties"]["kind"]["enum"] = kinds
                tools[number] = tool.model_copy(update={"input_schema": schema})
        return tools

    async def list_resources(self) -> list[Resource]:
        """Documents of the output folder, in order of path; at most 1,000."""
        return await anyio.to_thread.run_sync(self._documents)

    def _documents(self) -> list[Resource]:
        found: list[Resource] = []
        for path, size in self.workspace.output_files():
            if len(found) >= _LISTED:
                break
            if is_plain("/".join(path)):
                found.append(_resource(self.workspace, path, size))
        return found


def _resource(workspace: Workspace, path: Path, size: int) -> Resource:
    return Resource(
        uri=uri_of(workspace, path),
        name="/".join(path[len(workspace.output) :]),
        description=f"A file of {display(workspace.output)}/",
        mime_type=_mime_type(path[-1]),
        size=size,
    )


def _mime_type(name: str) -> str:
    endings = {"md": "text/markdown", "html": "text/html"}
    return endings.get(name.lower().rpartition(".")[2], "text/plain")


def add_resources(mcp: DocumentServer, workspace: Workspace, records: Records, catalogue: Catalogue) -> None:
    """Let `mcp` list and read the documents of `workspace`, and how they were made."""
    mcp.workspace, mcp.catalogue = workspace, catalogue

    @mcp.resource(
        DOCUMENTS + "{+path}",
        name="generated",
        title="Generated document",
        description="A document of the output folder, by its path there.",
        mime_type="text/markdown",
    )
    async def generated(path: str) -> str:
        try:
            names = workspace.output + workspace.path(path.lstrip("/"))
            content = await anyio.to_thread.run_sync(_read, workspace, names)
        except MissingError as error:
            raise ResourceNotFoundError(str(error)) from None
        except WorkspaceError as error:
            raise ResourceError(str(error)) from None
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise ResourceError(f"{display(names)} is not text: read it with files_read") from None

    @mcp.resource(
        RECORDS + "{+path}",
        name="record",
        title="How a document was made",
        description="Model, template, sources with hashes, time, cost of a generated document, by its path.",
        mime_type="application/json",
    )
    async def record(path: str) -> str:
        try:
            names = workspace.output + workspace.path(path.lstrip("/"))
            workspace.check_visible(names)
        except WorkspaceError as error:
            raise ResourceError(str(error)) from None
        found = await anyio.to_thread.run_sync(records.find, "/".join(names))
        if found is None:
            raise ResourceNotFoundError(f"{display(names)} was not generated here: there is no record of it")
        return found.model_dump_json()


def _read(workspace: Workspace, path: Path) -> bytes:
    return workspace.read(path, limit=workspace.limits.file_bytes)
