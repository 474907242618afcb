"""Puts the server together: workspace, tools, resources, prompts, and the ASGI app around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath

import structlog
from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.event_stream import EventStream
from docgen_common.request_state import request_state_security
from docgen_common.settings import ServerSettings
from docgen_common.tasks import Tasks, TaskStore
from mcp.server.request_state import RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, SubscriptionBus
from starlette.applications import Starlette

from docgen_main.checks import readiness_checks
from docgen_main.completion import add_completion
from docgen_main.documents import KINDS, Generator, Records
from docgen_main.documents.catalogue import Catalogue
from docgen_main.documents.writer import EmbeddedWriters, Writers
from docgen_main.events import Hub
from docgen_main.events.announcing import announce
from docgen_main.events.files import telling_of_files
from docgen_main.events.source import event_source
from docgen_main.events.watching import FileWatch
from docgen_main.facts import Budget, FactsStore, Project
from docgen_main.facts.plain import plain
from docgen_main.icons import DOCUMENT_ICON
from docgen_main.language_models.models import open_models
from docgen_main.language_models.readiness import model_checks, ready_without_models
from docgen_main.prompts import add_prompts
from docgen_main.resources import DocumentServer, add_resources
from docgen_main.settings import MainSettings
from docgen_main.tools.docs import add_document_tools
from docgen_main.tools.documents import add_library_tools
from docgen_main.tools.files import add_file_tools
from docgen_main.tools.template_rendering import add_template_rendering
from docgen_main.tools.templates import add_template_tools
from docgen_main.user_templates import Store, UserTemplates
from docgen_main.workspace import Workspace

INSTRUCTIONS = """\
Documents about the workspace, made from facts that are read in its files. Begin with docs_kinds, or call \
docs_generate with a kind and read the resource that it links to. files_list, \
files_search and files_read show the workspace; files_write, files_edit, files_move and files_delete change \
what is below the output folder. templates_* keep templates that users write; templates_preview shows what \
one gives."""

LONG_TOOLS = {"docs_generate": 1.0}
"""Tools whose calls may become tasks, and after how many seconds."""


def open_workspace(settings: MainSettings) -> Workspace:
    """The workspace that `settings` name. Raises `SettingsError` when it cannot be opened."""
    try:
        workspace = Workspace(
            settings.workspace,
            settings.output,
            writable=settings.writable,
            name=settings.name,
            noted=str(PurePosixPath(settings.data, "written-files")),
        )
    except OSError as error:
        raise SettingsError(f"the workspace cannot be opened: {error.strerror}") from None
    swept = workspace.sweep()
    if swept:
        structlog.stdlib.get_logger("docgen.documents").info("leftovers swept", files=swept)
    return workspace


def open_templates(settings: MainSettings, hub: Hub) -> UserTemplates:
    """The templates in the data folder. Raises `SettingsError` when they cannot be opened."""
    try:
        store = Store(str(PurePosixPath(settings.data, "templates")))
        swept = store.sweep()
    except OSError as error:
        raise SettingsError(f"the templates in the data folder cannot be opened: {error.strerror}") from None
    if swept:
        structlog.stdlib.get_logger("docgen.templates").info("leftovers swept", files=swept)
    return UserTemplates(store, hub, built_in=frozenset(KINDS))


def build_server(
    workspace: Workspace,
    name: str = "main",
    *,
    hub: Hub | None = None,
    writers: Writers | None = None,
    records: Records | None = None,
    tasks: Tasks | None = None,
    templates: UserTemplates | None = None,
    bus: SubscriptionBus | None = None,
    state: RequestStateSecurity | None = None,
    facts: FactsStore | None = None,
) -> DocumentServer:
    """The MCP server on `workspace`.

    What happens is told to `hub`, documents are worded by `writers`, how they were made is kept in `records`,
    what was read in files in `facts`; without `templates` there are no templates of users.
    """
    hub = hub or Hub()
    workspace.told = telling_of_files(hub)
    records = records or Records()
    open_project = partial(_open_project, workspace, facts or FactsStore())
    mcp = DocumentServer(
        name=name,
        title="Documents",
        description="Makes documents from facts it reads in the workspace, and reads and writes files there.",
        instructions=INSTRUCTIONS,
        version=_version(),
        icons=[DOCUMENT_ICON],
        extensions=[tasks] if tasks is not None else None,
        subscriptions=bus,
        request_state_security=state,
    )
    writers = writers or EmbeddedWriters()
    catalogue = Catalogue(templates)
    generator = Generator(workspace, hub, writers, records, open_project)
    add_document_tools(mcp, workspace, catalogue, generator, records, writers.models)
    add_library_tools(mcp, workspace, records, open_project)
    add_file_tools(mcp, workspace)
    if templates is not None:
        add_template_tools(mcp, templates)
        add_template_rendering(mcp, workspace, templates, lambda: plain(open_project(Budget())))
    add_resources(mcp, workspace, records, catalogue)
    add_prompts(mcp, catalogue)
    add_completion(mcp, workspace, catalogue)
    return mcp


def _open_project(workspace: Workspace, facts: FactsStore, budget: Budget) -> Project:
    return Project(workspace, budget, facts)


def build_app(settings: ServerSettings, own: MainSettings | None = None) -> Starlette:
    """The ASGI app that the container runs. Raises `SettingsError` for settings that cannot be meant."""
    own = own or MainSettings.from_environment()
    workspace = open_workspace(own)
    hub = Hub()
    models = open_models(settings, Path(own.data))
    templates = open_templates(own, hub)
    facts = FactsStore(str(PurePosixPath(own.data, "facts")))
    tasks = Tasks(LONG_TOOLS, TaskStore(Path(own.data, "tasks")))
    bus = InMemorySubscriptionBus()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        background = [
            asyncio.create_task(FileWatch(workspace, hub).run()),
            asyncio.create_task(announce(hub, bus, workspace)),
        ]
        async with models:
            try:
                yield
            finally:
                await tasks.close()
                templates.close()
                for work in background:
                    work.cancel()
                await asyncio.gather(*background, return_exceptions=True)
                facts.close()

    server = build_server(
        workspace,
        settings.server,
        hub=hub,
        writers=models,
        records=Records(f"{own.data}/records"),
        tasks=tasks,
        templates=templates,
        bus=bus,
        state=request_state_security(settings),
        facts=facts,
    )
    return create_app(
        server,
        settings,
        checks=readiness_checks(workspace, own) | model_checks(models),
        verdict=ready_without_models,
        lifespan=lifespan,
        events=EventStream(event_source(hub)),
    )


def _version() -> str:
    try:
        return version("docgenctl")
    except PackageNotFoundError:  # the image has the sources, not the distribution
        return ""
