"""`templates_*`: users' templates, looked at and changed."""

import asyncio
import difflib
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import anyio
import anyio.to_thread
from docgen_common.auth import current_caller
from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from docgen_main.icons import TEMPLATE_ICON
from docgen_main.tools.refusals import template_refusals
from docgen_main.tools.template_shapes import (
    Deleted,
    Difference,
    Exported,
    History,
    Imported,
    ShownTemplate,
    TemplateEntry,
    TemplateList,
    VersionEntry,
)
from docgen_main.user_templates import UserTemplates
from docgen_main.user_templates.bundle import pack, unpack

AT_ONCE = 4
_Result = TypeVar("_Result")

TemplateName = Annotated[str, Field(description="Name of the template: small letters, digits and hyphens")]
SourceText = Annotated[
    str,
    Field(
        description=(
            "Front matter and body. The front matter, which may be missing, is TOML between two lines +++: "
            "title, description, kind (makes it a kind of docs_generate), file_name, and for each variable a "
            "table [variables.NAME] with question, type (text, integer, number, boolean, list, choice), "
            "required, default, choices. The body is Markdown with Jinja. Values are printed escaped; the "
            "filters code, cell, fence, inline and prose print them as such. `project` has the facts of the "
            "workspace, `title` the heading."
        )
    ),
]
Note = Annotated[str, Field(max_length=500, description="Why, for the history")]
OneVersion = Annotated[int | None, Field(ge=1, description="Version; the present one by default")]
ExpectedVersion = Annotated[
    int | None, Field(ge=1, description="Only when this is the present version; otherwise nothing changes")
]
_LOOKS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)


def _changes(*, destructive: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=destructive, idempotent_hint=False, open_world_hint=False
    )


def add_template_tools(mcp: MCPServer, templates: UserTemplates) -> None:
    """Give `mcp` the tools that look at and change `templates`."""
    work = Threads()
    _add_looking(mcp, templates, work)
    _add_changing(mcp, templates, work)
    _add_carrying(mcp, templates, work)


class Threads:
    """Runs what blocks in threads, a few at a time, so that templates never use up the server's.

    A caller who goes away is not waited for; the thread keeps its place until it ends, so that calling and
    leaving cannot pile threads up.
    """

    def __init__(self) -> None:
        self._room = anyio.CapacityLimiter(AT_ONCE)
        self._unbounded = anyio.CapacityLimiter(math.inf)

    async def run(self, tool: str, name: str, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """What `work` returns; what it refuses becomes the answer of `tool`, about template `name`."""
        place = _Place(self._room)
        with template_refusals(tool, name):
            await place.take()
            try:
                return await anyio.to_thread.run_sync(
                    place.working, work, *arguments, abandon_on_cancel=True, limiter=self._unbounded
                )
            finally:
                place.caller_left()


class _Place:
    """One place of `room`: given back when the thread ends, or the caller leaves before it began."""

    def __init__(self, room: anyio.CapacityLimiter) -> None:
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._begun = False

    async def take(self) -> None:
        await self._room.acquire_on_behalf_of(self)

    def working(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        self._begun = True
        try:
            return work(*arguments)
        finally:
            with suppress(RuntimeError):  # the server has stopped meanwhile
                self._loop.call_soon_threadsafe(self._give_back)

    def caller_left(self) -> None:
        if not self._begun:
            self._give_back()

    def _give_back(self) -> None:
        with suppress(RuntimeError):  # given back already: the thread began just as its caller left
            self._room.release_on_behalf_of(self)


def _add_looking(mcp: MCPServer, templates: UserTemplates, work: Threads) -> None:
    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="List templates",
        description="List all templates by name.",
        annotations=_LOOKS,
    )
    async def templates_list() -> TemplateList:
        found = await work.run("templates_list", "", templates.all)
        return TemplateList(templates=[TemplateEntry.of(template) for template in found])

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Show a template",
        description="Show a template with its source and variables.",
        annotations=_LOOKS,
    )
    async def templates_show(name: TemplateName, version: OneVersion = None) -> ShownTemplate:
        found = await work.run("templates_show", name, templates.get, name, version)
        return ShownTemplate(**TemplateEntry.of(found).model_dump(), source=found.version.source)

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="History of a template",
        description="List the kept versions of a template: when, by whom, why.",
        annotations=_LOOKS,
    )
    async def templates_history(name: TemplateName) -> History:
        versions = await work.run("templates_history", name, templates.history, name)
        return History(name=name, versions=[VersionEntry.of(version) for version in reversed(versions)])

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Compare versions of a template",
        description="Show what changed between two versions of a template, as a unified diff.",
        annotations=_LOOKS,
    )
    async def templates_diff(
        name: TemplateName,
        from_version: Annotated[
            int | None, Field(ge=1, description="By default the one before the other")
        ] = None,
        to_version: OneVersion = None,
    ) -> Difference:
        return await work.run("templates_diff", name, _difference, templates, name, from_version, to_version)


def _add_changing(mcp: MCPServer, templates: UserTemplates, work: Threads) -> None:
    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Create a template",
        description=(
            "Store a new template. It is read first: a mistake in it, or a variable that it uses without "
            "declaring it, is told with its line and nothing is stored."
        ),
        annotations=_changes(destructive=False),
    )
    async def templates_create(name: TemplateName, source: SourceText, note: Note = "") -> TemplateEntry:
        return await write("templates_create", name, source, 0, note)

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Change a template",
        description="Store a new version of a template. The versions before it stay in its history.",
        annotations=_changes(destructive=False),
    )
    async def templates_update(
        name: TemplateName,
        source: SourceText,
        expected_version: Annotated[
            int,
            Field(ge=1, description="The version that was read; if another is present, nothing changes"),
        ],
        note: Note = "",
    ) -> TemplateEntry:
        return await write("templates_update", name, source, expected_version, note)

    async def write(tool: str, name: str, source: str, expected: int, note: str) -> TemplateEntry:
        def store() -> TemplateEntry:
            templates_write = templates.write(name, source, expected=expected, by=by, note=note.strip())
            return TemplateEntry.of(templates_write)

        by = current_caller() or ""
        return await work.run(tool, name, store)

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Roll a template back",
        description="Make an earlier version of a template the present one, as a new version.",
        annotations=_changes(destructive=False),
    )
    async def templates_rollback(
        name: TemplateName,
        version: Annotated[int, Field(ge=1, description="The version whose text comes back")],
        expected_version: ExpectedVersion = None,
    ) -> TemplateEntry:
        by = current_caller() or ""

        def back() -> TemplateEntry:
            return TemplateEntry.of(templates.rollback(name, version, expected=expected_version, by=by))

        return await work.run("templates_rollback", name, back)

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Delete a template",
        description="Delete a template with all its versions. Documents made of it stay.",
        annotations=_changes(destructive=True),
    )
    async def templates_delete(name: TemplateName, expected_version: ExpectedVersion = None) -> Deleted:
        def delete() -> int:
            return templates.delete(name, expected=expected_version)

        return Deleted(name=name, version=await work.run("templates_delete", name, delete))


def _add_carrying(mcp: MCPServer, templates: UserTemplates, work: Threads) -> None:
    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Export a template",
        description="Give a template as one text that templates_import takes, here or elsewhere.",
        annotations=_LOOKS,
    )
    async def templates_export(name: TemplateName, version: OneVersion = None) -> Exported:
        found = await work.run("templates_export", name, templates.get, name, version)
        return Exported(name=name, version=found.version.number, bundle=pack(found.version))

    @mcp.tool(
        icons=[TEMPLATE_ICON],
        title="Import a template",
        description=(
            "Store a template that templates_export gave: as a new template, or, with expected_version, as "
            "the next version of the one of that name. It is checked like any other."
        ),
        annotations=_changes(destructive=False),
    )
    async def templates_import(
        bundle: Annotated[str, Field(description="The text that templates_export gave")],
        name: Annotated[
            str | None, Field(description="Name to store it under; by default the one it was exported as")
        ] = None,
        expected_version: ExpectedVersion = None,
    ) -> Imported:
        by = current_caller() or ""

        def take() -> Imported:
            carried = unpack(bundle)
            made = templates.write(
                name or carried.name,
                carried.source,
                expected=expected_version or 0,
                by=by,
                note=f"imported, exported as {carried.name} version {carried.version}",
            )
            return Imported(
                **TemplateEntry.of(made).model_dump(),
                exported_name=carried.name,
                exported_version=carried.version,
                changed=carried.changed,
            )

        return await work.run("templates_import", name or "", take)


def _difference(
    templates: UserTemplates, name: str, from_version: int | None, to_version: int | None
) -> Difference:
    new = templates.get(name, to_version).version
    old = templates.get(name, from_version or max(1, new.number - 1)).version
    lines = difflib.unified_diff(
        old.source.splitlines(),
        new.source.splitlines(),
        f"{name} version {old.number}",
        f"{name} version {new.number}",
        lineterm="",
    )
    return Difference(name=name, from_version=old.number, to_version=new.number, diff="\n".join(lines))
