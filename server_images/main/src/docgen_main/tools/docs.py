"""`docs_kinds` and `docs_generate`: documents made of facts, a section at a time."""

import json
import time
from collections.abc import Iterator
from typing import Annotated, Literal

import anyio
import anyio.to_thread
import structlog
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.documents import KINDS, Composed, Kind, Rendered, compose
from docgen_main.facts import Budget, Project
from docgen_main.resources import uri_of
from docgen_main.tools.refusals import refusals
from docgen_main.workspace import DeniedError, Path, Workspace, display

MESSAGE_BYTES = 256 << 10
_AT_ONCE = 2
_SKIPPED_MOST = 100
_log = structlog.stdlib.get_logger("docgen.documents")

KindName = Literal["readme", "architecture", "api-reference", "changelog"]


class KindEntry(BaseModel):
    """A kind of document."""

    kind: KindName
    title: str
    description: str
    file_name: str = Field(description="Where it is written below the output folder, unless a path is given")


class KindList(BaseModel):
    """The kinds of documents that docs_generate makes."""

    kinds: list[KindEntry]


class SkippedEntry(BaseModel):
    """Something the document does not cover."""

    path: str
    reason: str


class Generated(BaseModel):
    """A document that was made and written."""

    kind: KindName
    path: str = Field(description="Path of the document from the top of the workspace")
    uri: str = Field(description="Resource to read it by")
    sections: list[str] = Field(description="Titles of its sections in order")
    bytes: int
    sha256: str
    skipped: list[SkippedEntry] = Field(description="What is there but not covered, and why; at most 100")
    duration_ms: int


def add_document_tools(mcp: MCPServer, workspace: Workspace) -> None:
    """Give `mcp` the document tools, all on `workspace`."""
    room = anyio.CapacityLimiter(_AT_ONCE)

    @mcp.tool(
        title="Kinds of documents",
        description="List the kinds of documents that docs_generate makes.",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def docs_kinds() -> KindList:
        return KindList(
            kinds=[
                KindEntry(kind=name, title=kind.title, description=kind.description, file_name=kind.file_name)
                for name, kind in KINDS.items()
            ]
        )

    @mcp.tool(
        title="Generate a document",
        description=(
            "Make a document from facts read in the workspace and write it below "
            f"{display(workspace.output)}/. Each finished section arrives as a progress message: a JSON "
            "object with section, markdown, index and total."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
    async def docs_generate(
        kind: Annotated[KindName, Field(description="What to make; docs_kinds lists them")],
        ctx: Context,
        title: Annotated[str | None, Field(max_length=200, description="Heading of the document")] = None,
        path: Annotated[
            str | None,
            Field(description="File to write, below the output folder; by default the kind's name"),
        ] = None,
    ) -> Annotated[CallToolResult, Generated]:
        chosen = KINDS[kind]
        with refusals("docs_generate", path or chosen.file_name):
            target = _target(workspace, path or chosen.file_name)
            job = _Job(workspace, chosen, target, title or "")
            return _result(await job.run(ctx, room), chosen)


def _target(workspace: Workspace, text: str) -> Path:
    target = workspace.generated(text)
    if not target[-1].lower().endswith(".md"):
        raise DeniedError("a document is Markdown: give a file name that ends in .md", rule="name")
    workspace.check_writable(target)
    return target


class _Job:
    """The making of one document: the work in a thread, a unit at a time, the telling on the event loop."""

    def __init__(self, workspace: Workspace, kind: Kind, target: Path, title: str) -> None:
        self._workspace = workspace
        self._kind = kind
        self._target = target
        self._budget = Budget()
        self._project = Project(workspace, self._budget)
        self._parts: Iterator[Rendered | Composed] = compose(kind, self._project, title)

    async def run(self, ctx: Context, room: anyio.CapacityLimiter) -> Generated:
        """Make and write the document, telling `ctx` of each section; stops soon after it is cancelled."""
        begun = time.monotonic()
        try:
            async with room:
                composed = await self._compose(ctx)
                await anyio.to_thread.run_sync(self._workspace.write, self._target, composed.content)
        except BaseException as error:
            _log.info(
                "document stopped",
                kind=self._kind.name,
                error=type(error).__name__,
                duration_ms=_since(begun),
            )
            raise
        finally:
            self._budget.stop()  # the thread, if it is still at work, ends at its next unit
        done = self._generated(composed, _since(begun))
        _log.info(
            "document generated",
            kind=done.kind,
            path=done.path,
            sections=len(done.sections),
            bytes=done.bytes,
            skipped=len(done.skipped),
            duration_ms=done.duration_ms,
        )
        return done

    async def _compose(self, ctx: Context) -> Composed:
        while True:
            part = await anyio.to_thread.run_sync(next, self._parts, abandon_on_cancel=True)
            if isinstance(part, Composed):
                return part
            await ctx.report_progress(part.index + 1, part.total, _message(part))

    def _generated(self, composed: Composed, duration_ms: int) -> Generated:
        return Generated(
            kind=self._kind.name,
            path="/".join(self._target),
            uri=uri_of(self._workspace, self._target),
            sections=list(composed.titles),
            bytes=len(composed.content),
            sha256=composed.sha256,
            skipped=[
                SkippedEntry(path=item.path, reason=item.reason)
                for item in self._project.skipped[:_SKIPPED_MOST]
            ],
            duration_ms=duration_ms,
        )


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _message(part: Rendered) -> str:
    """The section as JSON below `MESSAGE_BYTES`; of a longer one the beginning, marked as cut."""
    fields: dict[str, object] = {
        "section": part.title,
        "markdown": part.markdown,
        "index": part.index,
        "total": part.total,
    }
    message = json.dumps(fields, ensure_ascii=False)
    most = MESSAGE_BYTES
    while len(message.encode()) > MESSAGE_BYTES - 1024:
        most //= 2
        fields |= {"markdown": part.markdown.encode()[:most].decode(errors="ignore"), "truncated": True}
        message = json.dumps(fields, ensure_ascii=False)
    return message


def _result(done: Generated, kind: Kind) -> CallToolResult:
    link = ResourceLink(
        type="resource_link",
        uri=done.uri,
        name=done.path,
        title=kind.title,
        description=kind.description,
        mime_type="text/markdown",
        size=done.bytes,
    )
    said = f"Wrote {done.path} ({done.bytes} bytes, {len(done.sections)} sections)."
    return CallToolResult(
        content=[TextContent(type="text", text=said), link],
        structured_content=done.model_dump(mode="json"),
    )
