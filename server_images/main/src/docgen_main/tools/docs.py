"""`docs_kinds` and `docs_generate`: documents made of facts, a section at a time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import anyio.to_thread
from docgen_common.auth import current_caller
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from docgen_main.documents import Brief, Generator, Kind, MadeDocument, MadeSection, Order, Records
from docgen_main.documents.catalogue import Catalogue, UnknownKindError
from docgen_main.documents.order import Format
from docgen_main.documents.section import section_id
from docgen_main.documents.variables import Value
from docgen_main.documents.writer import EMBEDDED, UnknownModelError
from docgen_main.icons import DOCUMENT_ICON
from docgen_main.tools.questions import settled
from docgen_main.tools.refusals import refusals, template_refusals
from docgen_main.workspace import DeniedError, Path, Workspace, display

MESSAGE_BYTES = 256 << 10
_SKIPPED_MOST = 100
_REMOVED_MOST = 100


class QuestionEntry(BaseModel):
    """Something that a kind has to be told."""

    name: str = Field(description="Its name in answers")
    question: str
    type: str = Field(description="text, integer, number, boolean, list (of texts) or choice")
    required: bool
    default: str | int | float | bool | list[str] | None = None
    choices: list[str] = Field(default=[], description="Possible answers to a choice")


class KindEntry(BaseModel):
    """A kind of document."""

    kind: str
    title: str
    description: str
    file_name: str = Field(
        description=(
            "Where it is written below the output folder, unless a path is given; a name in braces stands "
            "for the words of that answer"
        )
    )
    questions: list[QuestionEntry] = Field(description="What docs_generate takes as answers")
    template: str = Field(description="The user's template that declares it; empty for kinds that come along")


class KindList(BaseModel):
    """The kinds of documents that docs_generate makes."""

    kinds: list[KindEntry]


class SkippedEntry(BaseModel):
    """Something the document does not cover."""

    path: str
    reason: str


class Generated(BaseModel):
    """A document that was made and written."""

    kind: str
    path: str = Field(description="Path of the document from the top of the workspace")
    uri: str = Field(description="Resource to read it by")
    sections: list[str] = Field(description="Titles of its sections in order")
    unchanged: list[str] = Field(description="Ids of sections left as they were: their facts are the same")
    edited: list[str] = Field(description="Ids of sections left as they were: people edited them")
    left_out: list[str] = Field(description="Ids of sections that people took out, so that they stay out")
    without_facts: list[str] = Field(
        description="Ids of sections that people edited and that have no facts any more; they stay"
    )
    models: list[str] = Field(description="Who worded what was written; 'embedded' stands for facts alone")
    passed_over: list[str] = Field(description="Models that were to word it and did not, and why")
    removed: list[str] = Field(description="Claims of models that named what does not exist; at most 100")
    bytes: int
    sha256: str
    skipped: list[SkippedEntry] = Field(description="What is there but not covered, and why; at most 100")
    duration_ms: int


def add_document_tools(
    mcp: MCPServer,
    workspace: Workspace,
    catalogue: Catalogue,
    generator: Generator,
    records: Records,
    models: Sequence[str],
) -> None:
    """Give `mcp` the tools that make documents of the kinds in `catalogue`; `models` can be asked for."""

    @mcp.tool(
        title="Kinds of documents",
        icons=[DOCUMENT_ICON],
        description="List the kinds of documents that docs_generate makes.",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )
    async def docs_kinds() -> KindList:
        kinds = await anyio.to_thread.run_sync(catalogue.kinds)
        return KindList(kinds=[_entry(kind) for kind in kinds.values()])

    @mcp.tool(
        title="Generate a document",
        icons=[DOCUMENT_ICON],
        description=(
            "Make a document from facts read in the workspace and write it below "
            f"{display(workspace.output)}/. Each finished section arrives as a progress message: a JSON "
            "object with id, section (its title), markdown, state, index and total."
        ),
        annotations=ToolAnnotations(
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=True,
            open_world_hint=any(model != EMBEDDED for model in models),
        ),
    )
    async def docs_generate(
        kind: Annotated[str, Field(max_length=80, description="What to make; docs_kinds lists them")],
        ctx: Context,
        title: Annotated[str | None, Field(max_length=200, description="Heading of the document")] = None,
        path: Annotated[
            str | None,
            Field(description="File to write, below the output folder; by default the kind's name"),
        ] = None,
        update: Annotated[
            bool | None,
            Field(
                description=(
                    "true: keep what people wrote in the document and write only sections with new facts. "
                    "false: make it anew. Not given: make it anew, unless people wrote in it."
                )
            ),
        ] = None,
        answers: Annotated[
            dict[str, str | int | float | bool | list[str]] | None,
            Field(description="Answers to the kind's questions by name; docs_kinds lists them"),
        ] = None,
        template: Annotated[
            str | None,
            Field(
                max_length=120, description="Make it of this stored template, whose variables are the answers"
            ),
        ] = None,
        model: Annotated[
            str | None,
            Field(
                max_length=200,
                description=(
                    f"Who words it: one of {', '.join(models)}; by default as configured for the kind. "
                    "'embedded' takes facts alone."
                ),
            ),
        ] = None,
        format: Annotated[  # noqa: A002
            Format, Field(description="html: one page that needs nothing from outside, always made anew")
        ] = "markdown",
    ) -> Annotated[CallToolResult, Generated] | InputRequiredResult:
        async def tell(section: MadeSection) -> None:
            await ctx.report_progress(section.index + 1, section.total, _message(section))

        with refusals("docs_generate", path or kind), template_refusals("docs_generate", template or kind):
            chosen = await _kind(catalogue, kind, template)
            before = None
            if update and (path or "{" not in chosen.file_name):
                target = _target(workspace, path or _file_name(chosen, format, {}), format)
                before = await anyio.to_thread.run_sync(records.find, "/".join(target))
            given = {**(before.answers if before else {}), **(answers or {})}
            told = settled(chosen.questions, given, ctx, chosen.title)
            if isinstance(told, InputRequiredResult):
                return told
            order = Order(
                chosen,
                _target(workspace, path or _file_name(chosen, format, told), format),
                Brief(title or (before.title if before else ""), told),
                model=model,
                owner=current_caller(),
                update=update,
                format=format,
            )
            try:
                return _result(await generator.generate(order, tell), order)
            except UnknownModelError as error:
                raise ToolError(f"model: {error}") from None


async def _kind(catalogue: Catalogue, name: str, template: str | None) -> Kind:
    try:
        return await anyio.to_thread.run_sync(catalogue.kind, name, template)
    except UnknownKindError as error:
        raise ToolError(f"kind: {error}") from None


def _entry(kind: Kind) -> KindEntry:
    return KindEntry(
        kind=kind.name,
        title=kind.title,
        description=kind.description,
        file_name=kind.file_name,
        questions=[
            QuestionEntry(
                name=asked.name,
                question=asked.question,
                type=asked.type,
                required=asked.required,
                default=asked.default,
                choices=list(asked.choices),
            )
            for asked in kind.questions
        ],
        template=kind.template,
    )


def _file_name(kind: Kind, form: Format, answers: Mapping[str, Value]) -> str:
    name = kind.file_name
    for question, answer in answers.items():
        name = name.replace(f"{{{question}}}", section_id(str(answer)))
    return name if form == "markdown" else name.removesuffix(".md") + ".html"


def _target(workspace: Workspace, text: str, form: Format) -> Path:
    target = workspace.generated(text)
    ending = ".md" if form == "markdown" else ".html"
    if not target[-1].lower().endswith(ending):
        raise DeniedError(f"the document is {form}: give a file name that ends in {ending}", rule="name")
    workspace.check_writable(target)
    return target


def _generated(made: MadeDocument, kind: Kind) -> Generated:
    return Generated(
        kind=kind.name,
        path=made.path,
        uri=made.uri,
        sections=[section.title for section in made.sections],
        unchanged=[section.id for section in made.sections if section.state == "unchanged"],
        edited=[section.id for section in made.sections if section.state == "edited"],
        left_out=list(made.dropped),
        without_facts=list(made.orphans),
        models=_each_once(section.model for section in made.sections if section.state == "written"),
        passed_over=_each_once(reason for section in made.sections for reason in section.passed_over),
        removed=[claim for section in made.sections for claim in section.removed][:_REMOVED_MOST],
        bytes=made.size,
        sha256=made.sha256,
        skipped=[SkippedEntry(path=item.path, reason=item.reason) for item in made.skipped[:_SKIPPED_MOST]],
        duration_ms=made.duration_ms,
    )


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _message(section: MadeSection) -> str:
    """The section as JSON below `MESSAGE_BYTES`; of a longer one the beginning, marked as cut."""
    fields: dict[str, object] = {
        "id": section.id,
        "section": section.title,
        "markdown": section.markdown,
        "state": section.state,
        "index": section.index,
        "total": section.total,
    }
    message = json.dumps(fields, ensure_ascii=False)
    most = MESSAGE_BYTES
    while len(message.encode()) > MESSAGE_BYTES - 1024:
        most //= 2
        fields |= {"markdown": section.markdown.encode()[:most].decode(errors="ignore"), "truncated": True}
        message = json.dumps(fields, ensure_ascii=False)
    return message


def _result(made: MadeDocument, order: Order) -> CallToolResult:
    kind = order.kind
    done = _generated(made, kind)
    link = ResourceLink(
        type="resource_link",
        uri=done.uri,
        name=done.path,
        title=kind.title,
        description=kind.description,
        mime_type="text/markdown" if order.format == "markdown" else "text/html",
        size=done.bytes,
    )
    return CallToolResult(
        content=[TextContent(type="text", text=_said(made)), link],
        structured_content=done.model_dump(mode="json"),
    )


def _said(made: MadeDocument) -> str:
    states = [section.state for section in made.sections]
    said = f"Wrote {made.path} ({made.size} bytes, {len(states)} sections"
    said += f", {states.count('unchanged')} unchanged" if "unchanged" in states else ""
    said += f", {states.count('edited')} kept as people edited them" if "edited" in states else ""
    said += ")."
    passed_over = _each_once(reason for section in made.sections for reason in section.passed_over)
    return f"{said} Passed over: {'; '.join(passed_over)}." if passed_over else said
