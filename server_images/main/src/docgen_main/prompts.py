"""Prompts that ask the client's own model to improve a document: judgement is its part, facts ours."""

from mcp.server import MCPServer
from mcp.server.mcpserver.prompts.base import Prompt

from docgen_main.documents import KINDS, Kind
from docgen_main.documents.address import DOCUMENTS


def add_prompts(mcp: MCPServer) -> None:
    """Give `mcp` one prompt for each kind of document."""
    for kind in KINDS.values():
        mcp.add_prompt(_prompt(kind))


def _prompt(kind: Kind) -> Prompt:
    def improve(audience: str = "developers who see the project for the first time") -> str:
        return (
            f"First call docs_generate with kind {kind.name!r}; then read {DOCUMENTS}{kind.file_name}. "
            f"Rewrite the document for {audience}. {kind.wanted} "
            "Keep every file, symbol, command and version as it stands; add none that files_read does not "
            "show you. Where a judgement needs knowledge that the files do not have, ask instead of "
            "guessing. Write the result with files_write, with expected_sha256 set to the sha256 that "
            "docs_generate returned."
        )

    return Prompt.from_function(
        improve,
        name=f"docs_{kind.name}",
        title=f"Improve the {kind.title}",
        description=f"Generate the {kind.title} from facts, then let your model improve it.",
    )
