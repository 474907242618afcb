"""`docs_list`, `docs_show`, `docs_export`: the documents that there are and how they were made."""

import hashlib
import threading
from datetime import datetime
from typing import Annotated, Literal

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.documents import Record, Records
from docgen_main.documents.address import record_uri_of, uri_of
from docgen_main.documents.generator import OpenProject
from docgen_main.documents.marks import MarkedDocument, read_marks, without_marks
from docgen_main.documents.provenance import changed_sources
from docgen_main.facts import Budget, Project
from docgen_main.html import page
from docgen_main.icons import DOCUMENT_ICON
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import DeniedError, Path, Workspace, WorkspaceError, display
from docgen_main.workspace.names import is_plain

_LIST_MOST = 1_000
_CHANGED_MOST = 50
_ENDINGS = (".md", ".html")

State = Literal["generated", "edited", "foreign"]
DocumentPath = Annotated[
    str, Field(description="Path of the document, below the output folder or from the top of the workspace")
]


class DocumentEntry(BaseModel):
    """A document of the output folder."""

    path: str
    uri: str = Field(description="Resource to read it by")
    state: State = Field(
        description="generated: as it was made; edited: people changed it since; foreign: not made here"
    )
    bytes: int
    kind: str | None = None
    made_at: datetime | None = None
    models: list[str] = Field(default=[], description="Who worded it; 'embedded' stands for facts alone")


class DocumentList(BaseModel):
    """A page of the documents, in order of path."""

    documents: list[DocumentEntry]
    next_cursor: str | None = Field(default=None, description="Give it as cursor to get the next page")


class SectionView(BaseModel):
    """A section of a document and where it comes from."""

    id: str
    title: str
    state: Literal["generated", "edited", "removed"] = Field(
        description="as it was made; changed by people; taken out by people"
    )
    model: str
    written_at: datetime
    sources: int = Field(description="How many sources its facts come from")
    cost_usd: float | None = Field(description="null when no price is known")


class DocumentView(BaseModel):
    """How a document was made and what became of it since."""

    path: str
    uri: str
    record_uri: str = Field(description="Resource with the whole record, sources and hashes included")
    kind: str
    title: str
    format: str
    state: State
    bytes: int
    sha256: str
    made_at: datetime
    duration_ms: int
    template: str = Field(description="The user's template it was made of; empty for kinds that come along")
    template_version: int
    models: list[str]
    cost_usd: float | None = Field(description="null when no price is known")
    sections: list[SectionView]
    changed_sources: list[str] = Field(description="Sources that changed since it was made (at most 50)")


class Exported(BaseModel):
    """A document in another format."""

    path: str
    uri: str
    bytes: int
    sha256: str


def add_library_tools(
    mcp: MCPServer, workspace: Workspace, records: Records, open_project: OpenProject
) -> None:
    """Give `mcp` the tools that look at documents, all on `workspace`."""

    @mcp.tool(
        title="List documents",
        icons=[DOCUMENT_ICON],
        description="List the documents of the output folder, a page at a time, and how each was made.",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def docs_list(
        limit: Annotated[int, Field(ge=1, le=_LIST_MOST, description="Documents per page")] = 200,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> DocumentList:
        return await anyio.to_thread.run_sync(_list, workspace, records, limit, cursor or "")

    @mcp.tool(
        title="Show how a document was made",
        icons=[DOCUMENT_ICON],
        description=(
            "Say how a generated document was made (model, template, sources, time, cost), which of its "
            "sections people edited, and which sources changed since."
        ),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def docs_show(path: DocumentPath) -> DocumentView:
        budget = Budget()
        with refusals("docs_show", path):
            try:
                return await anyio.to_thread.run_sync(
                    _show, workspace, records, open_project(budget), path, abandon_on_cancel=True
                )
            finally:
                budget.stop()  # when the caller has gone, the thread ends at its next unit

    @mcp.tool(
        title="Export a document",
        icons=[DOCUMENT_ICON],
        description=(
            "Turn a Markdown document into one HTML page that needs nothing from outside, or into Markdown "
            "without the marks of generated sections; written below the output folder."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )
    async def docs_export(
        path: DocumentPath,
        format: Annotated[Literal["html", "markdown"], Field(description="What to make")] = "html",  # noqa: A002
        to: Annotated[
            str | None,
            Field(
                description="File to write; by default the same name with another ending: .html, .plain.md"
            ),
        ] = None,
    ) -> Annotated[CallToolResult, Exported]:
        with refusals("docs_export", to or path):
            names = workspace.generated(path)
            target = _export_target(workspace, names, format, to)
            content = await _exported(workspace, names, format)
            await anyio.to_thread.run_sync(workspace.write, target, content)
        done = Exported(
            path="/".join(target),
            uri=uri_of(workspace, target),
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        link = ResourceLink(
            type="resource_link",
            uri=done.uri,
            name=done.path,
            title=done.path.rsplit("/", 1)[-1],
            mime_type="text/html" if format == "html" else "text/markdown",
            size=done.bytes,
        )
        said = TextContent(type="text", text=f"Wrote {done.path} ({done.bytes} bytes).")
        return CallToolResult(content=[said, link], structured_content=done.model_dump(mode="json"))


def _list(workspace: Workspace, records: Records, limit: int, cursor: str) -> DocumentList:
    found: list[DocumentEntry] = []
    after = tuple(cursor.split("/"))  # compared name by name, as directories are walked: "a/b" before "a.md"
    for path, size in workspace.output_files():
        name = "/".join(path)
        if path <= after or not is_plain(name) or not name.lower().endswith(_ENDINGS):
            continue
        if len(found) == limit:
            return DocumentList(documents=found, next_cursor=found[-1].path)
        found.append(_entry(workspace, records, path, size))
    return DocumentList(documents=found)


def _entry(workspace: Workspace, records: Records, path: Path, size: int) -> DocumentEntry:
    name = "/".join(path)
    record = records.find(name)
    return DocumentEntry(
        path=name,
        uri=uri_of(workspace, path),
        state=_state(record, _content(workspace, path) if record else b""),
        bytes=size,
        kind=record.kind if record else None,
        made_at=record.made_at if record else None,
        models=record.models if record else [],
    )


def _content(workspace: Workspace, path: Path) -> bytes | None:
    """What is at `path`, None for what cannot be read: one such file must not take the list from others."""
    try:
        return workspace.read(path, limit=workspace.limits.file_bytes)
    except WorkspaceError:
        return None


def _state(record: Record | None, content: bytes | None) -> State:
    if record is None:
        return "foreign"
    unchanged = content is not None and hashlib.sha256(content).hexdigest() == record.sha256
    return "generated" if unchanged else "edited"


def _show(workspace: Workspace, records: Records, project: Project, text: str) -> DocumentView:
    path = workspace.generated(text)
    content = workspace.read(path, limit=workspace.limits.file_bytes)
    record = records.find("/".join(path))
    if record is None:
        raise ToolError(f"{display(path)} was not generated here: there is no record of it")
    marked = read_marks(content.decode(errors="replace"))
    changed = changed_sources(workspace, project, record.sources, record.answers)
    return DocumentView(
        **record.model_dump(include={"path", "uri", "kind", "title", "format", "made_at", "duration_ms"}),
        record_uri=record_uri_of(workspace, path),
        state=_state(record, content),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        template=record.template,
        template_version=record.template_version,
        models=record.models,
        cost_usd=record.cost_usd,
        sections=_sections(record, marked),
        changed_sources=changed[:_CHANGED_MOST],
    )


def _sections(record: Record, marked: MarkedDocument) -> list[SectionView]:
    states: dict[str, Literal["generated", "edited"]] = {
        name: "edited" if section.edited else "generated" for name, section in marked.marked.items()
    }
    html = record.format == "html"
    return [
        SectionView(
            **section.model_dump(include={"id", "title", "model", "written_at", "cost_usd"}),
            state="generated" if html else states.get(section.id, "removed"),
            sources=sum(source.count for source in section.sources),
        )
        for section in record.sections
    ]


def _export_target(workspace: Workspace, path: Path, form: str, to: str | None) -> Path:
    if not path[-1].lower().endswith(".md"):
        raise DeniedError(f"{display(path)} is not Markdown: give a document that ends in .md", rule="name")
    ending = ".html" if form == "html" else ".md"
    target = workspace.generated(to) if to else _beside(path, ".html" if form == "html" else ".plain.md")
    if not target[-1].lower().endswith(ending) or target == path:
        raise DeniedError(f"{form} goes to another file that ends in {ending}", rule="name")
    workspace.check_writable(target)
    return target


async def _exported(workspace: Workspace, path: Path, form: str) -> bytes:
    """The document at `path` in the other format; nothing is left at work when the caller goes."""
    stopped = threading.Event()

    def export() -> bytes:
        content = workspace.read(path, limit=workspace.limits.file_bytes)
        markdown = without_marks(content.decode(errors="replace"))
        return page(markdown, stopped=stopped) if form == "html" else markdown.encode()

    try:
        return await anyio.to_thread.run_sync(export, abandon_on_cancel=True)
    finally:
        stopped.set()


def _beside(path: Path, ending: str) -> Path:
    return (*path[:-1], path[-1][: -len(".md")] + ending)
