"""Completion of what people type: kinds, templates, and paths of documents."""

import anyio.to_thread
from mcp.server import MCPServer
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from docgen_main.documents.address import DOCUMENTS, RECORDS
from docgen_main.documents.catalogue import Catalogue
from docgen_main.prompts import ANY_KIND
from docgen_main.workspace import Workspace
from docgen_main.workspace.names import is_plain

#: the protocol allows no more in one answer
_MOST = 100
_PATHS = (DOCUMENTS + "{+path}", RECORDS + "{+path}")


def add_completion(mcp: MCPServer, workspace: Workspace, catalogue: Catalogue) -> None:
    """Let `mcp` complete arguments of its prompts and resource templates."""

    def candidates(ref: PromptReference | ResourceTemplateReference, argument: str) -> list[str]:
        if isinstance(ref, ResourceTemplateReference):
            return _paths(workspace) if ref.uri in _PATHS and argument == "path" else []
        if ref.name != ANY_KIND:
            return []
        return {"kind": lambda: list(catalogue.kinds()), "template": catalogue.template_names}.get(
            argument, list
        )()

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,  # noqa: ARG001 - part of the handler's signature
    ) -> Completion:
        found = await anyio.to_thread.run_sync(candidates, ref, argument.name)
        fitting = [name for name in found if name.lower().startswith(argument.value.lower())]
        return Completion(values=fitting[:_MOST], total=len(fitting), has_more=len(fitting) > _MOST)

    mcp.completion()(complete)  # type: ignore[no-untyped-call]  # the SDK's decorator has no types


def _paths(workspace: Workspace) -> list[str]:
    names = ("/".join(path[len(workspace.output) :]) for path, _ in workspace.output_files())
    return [name for name in names if is_plain(name)]
