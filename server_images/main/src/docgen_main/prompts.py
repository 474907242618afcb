"""Prompts that ask the client's own model to improve a document: judgement is its part, facts ours."""

from typing import Annotated

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from docgen_main.documents import KINDS, Kind
from docgen_main.documents.address import DOCUMENTS
from docgen_main.documents.catalogue import Catalogue, UnknownKindError
from docgen_main.icons import DOCUMENT_ICON
from docgen_main.user_templates import TemplateError

#: the prompt for any kind, those of users included
ANY_KIND = "docs_document"
_NEWCOMERS = "developers who see the project for the first time"

Audience = Annotated[str, Field(description=f"Who reads it; by default {_NEWCOMERS}")]


def add_prompts(mcp: MCPServer, catalogue: Catalogue) -> None:
    """Give `mcp` one prompt for each kind that comes along, and one for any kind of `catalogue`."""
    for kind in KINDS.values():
        mcp.add_prompt(_prompt(kind))

    async def improve(
        kind: Annotated[str, Field(description="Kind of the document; docs_kinds lists them")],
        template: Annotated[str, Field(description="Stored template to make it of; by default none")] = "",
        audience: Audience = _NEWCOMERS,
    ) -> str:
        try:
            chosen = await anyio.to_thread.run_sync(catalogue.kind, kind, template or None)
        except (UnknownKindError, TemplateError) as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        return _wanted(chosen, audience, template)

    mcp.add_prompt(
        Prompt.from_function(
            improve,
            name=ANY_KIND,
            title="Improve a document",
            description="Generate a document of any kind from facts, then let your model improve it.",
            icons=[DOCUMENT_ICON],
        )
    )


def _prompt(kind: Kind) -> Prompt:
    def improve(audience: Audience = _NEWCOMERS) -> str:
        return _wanted(kind, audience)

    return Prompt.from_function(
        improve,
        name=f"docs_{kind.name}",
        title=f"Improve the {kind.title}",
        description=f"Generate the {kind.title} from facts, then let your model improve it.",
        icons=[DOCUMENT_ICON],
    )


def _wanted(kind: Kind, audience: str, template: str = "") -> str:
    questions = "; ".join(f"{asked.name}: {asked.question}" for asked in kind.questions)
    return " ".join(
        part
        for part in (
            f"Ask me these questions, leaving out what I told you already: {questions}" if questions else "",
            f"Call docs_generate with kind {kind.name!r}"
            + (f", template {template!r}" if template else "")
            + (", my answers as answers" if questions else "")
            + f"; then read the resource that it links to, by default {DOCUMENTS}{kind.file_name}.",
            f"Rewrite the document for {audience}.",
            kind.wanted,
            "Keep every file, symbol, command and version as it stands; add none that files_read does not "
            "show you. Where a judgement needs knowledge that no file has, ask instead of guessing. "
            "Leave comments that begin with '<!-- docgen:' where they are, so that later updates keep your "
            "text. Write the result with files_write, with expected_sha256 set to the sha256 that "
            "docs_generate returned.",
        )
        if part
    )
