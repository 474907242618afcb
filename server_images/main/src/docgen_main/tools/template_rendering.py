"""`templates_preview` and `templates_render`: users' templates filled with values and facts."""

import hashlib
import time
from typing import Annotated, Any

import structlog
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ResourceLink, TextContent, ToolAnnotations
from pydantic import Field

from docgen_main.documents.address import uri_of
from docgen_main.icons import TEMPLATE_ICON
from docgen_main.tools.refusals import refusals
from docgen_main.tools.template_shapes import Preview, Rendered
from docgen_main.tools.templates import OneVersion, TemplateName, Threads
from docgen_main.user_templates import Filled, RefusedTemplateError, Template, UserTemplates, Version
from docgen_main.user_templates.templates import Facts
from docgen_main.workspace import DeniedError, Path, Workspace, display

PREVIEW_BYTES = 64 << 10
_ANSWER_BYTES = 256 << 10
_log = structlog.stdlib.get_logger("docgen.templates")

Variables = Annotated[
    dict[str, Any] | None,
    Field(description="Values of the variables by name; texts are converted"),
]


def add_template_rendering(
    mcp: MCPServer, workspace: Workspace, templates: UserTemplates, facts: Facts
) -> None:
    """Give `mcp` the tools that fill `templates` with values and `facts`, written below the output folder."""
    _add_preview(mcp, templates, facts, Threads())
    _add_render(mcp, workspace, templates, facts)


def _add_preview(mcp: MCPServer, templates: UserTemplates, facts: Facts, work: Threads) -> None:
    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Preview a template",
        description=(
            "Show what a stored template, or a source that is not stored, gives with these values and the "
            "workspace's facts. Variables without a value get a sample. Nothing is written."
        ),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def templates_preview(
        name: Annotated[str | None, Field(description="A stored template")] = None,
        source: Annotated[str | None, Field(description="Or a source, as templates_create takes it")] = None,
        version: OneVersion = None,
        variables: Variables = None,
    ) -> Preview:
        if (name is None) == (source is None):
            raise ToolError("give either the name of a stored template or a source")
        return await work.run(
            "templates_preview",
            name or "",
            _preview,
            templates,
            facts,
            name,
            source,
            version,
            variables or {},
        )


def _preview(
    templates: UserTemplates,
    facts: Facts,
    name: str | None,
    source: str | None,
    version: int | None,
    variables: dict[str, Any],
) -> Preview:
    begun = time.perf_counter()
    if name is not None:
        template = templates.get(name, version)
    else:
        text = source or ""
        template = Template(Version("preview", 0, "", "", "", text), templates.check("preview", text))
    values, sampled = templates.samples(template.declaration, variables)
    filled = templates.fill(template, values, facts)
    raw = filled.markdown.encode()
    return Preview(
        markdown=raw[:PREVIEW_BYTES].decode(errors="ignore"),
        truncated=len(raw) > PREVIEW_BYTES,
        bytes=len(raw),
        sections=[section.title for section in filled.sections],
        sampled=sampled,
        duration_ms=_since(begun),
    )


def _add_render(mcp: MCPServer, workspace: Workspace, templates: UserTemplates, facts: Facts) -> None:
    work = Threads()

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Render a template",
        description=(
            "Fill a stored template with values and the workspace's facts. With a path the text is written "
            f"below {display(workspace.output)}/, else it is the answer."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )
    async def templates_render(
        name: TemplateName,
        variables: Variables = None,
        version: OneVersion = None,
        title: Annotated[str | None, Field(max_length=200, description="Heading of the document")] = None,
        path: Annotated[
            str | None, Field(description="Markdown file to write, below the output folder")
        ] = None,
        expected_sha256: Annotated[
            str | None,
            Field(
                pattern="^([0-9a-fA-F]{64}|absent)$",
                description="Write only if the file now has this hash, or 'absent': only if there is none",
            ),
        ] = None,
    ) -> Annotated[CallToolResult, Rendered]:
        def render() -> CallToolResult:
            begun = time.perf_counter()
            target = None if path is None else _target(workspace, path)
            filled = templates.render(name, version, variables or {}, facts, title=title or "")
            if target is not None:
                workspace.write(target, filled.markdown.encode(), expected_sha256=expected_sha256)
            done = _rendered(workspace, filled, target, _since(begun))
            _log.info("template rendered", template=name, version=done.version, bytes=done.bytes)
            return _result(done, filled)

        with refusals("templates_render", path or ""):
            return await work.run("templates_render", name, render)


def _target(workspace: Workspace, text: str) -> Path:
    target = workspace.generated(text)
    if not target or not target[-1].lower().endswith(".md"):
        raise DeniedError("a document is Markdown: give a file name that ends in .md", rule="name")
    workspace.check_writable(target)
    return target


def _rendered(workspace: Workspace, filled: Filled, target: Path | None, duration_ms: float) -> Rendered:
    raw = filled.markdown.encode()
    if target is None and len(raw) > _ANSWER_BYTES:
        raise RefusedTemplateError(
            f"the text has {len(raw)} bytes, too much for an answer: give a path to write it to", rule="size"
        )
    return Rendered(
        template=filled.template,
        version=filled.version,
        markdown=filled.markdown if target is None else None,
        path="/".join(target) if target else None,
        uri=uri_of(workspace, target) if target else None,
        bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        sections=[section.title for section in filled.sections],
        included=dict(filled.included),
        duration_ms=duration_ms,
    )


def _result(done: Rendered, filled: Filled) -> CallToolResult:
    content: list[Any] = [TextContent(type="text", text=filled.markdown)]
    if done.path is not None and done.uri is not None:
        said = f"Wrote {done.path} ({done.bytes} bytes) from {done.template}, version {done.version}."
        link = ResourceLink(
            type="resource_link",
            uri=done.uri,
            name=done.path,
            description=f"Made of template {done.template}, version {done.version}",
            mime_type="text/markdown",
            size=done.bytes,
        )
        content = [TextContent(type="text", text=said), link]
    return CallToolResult(content=content, structured_content=done.model_dump(mode="json"))


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 2)
