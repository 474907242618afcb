"""One question to a tool of the running stack, and the structured answer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress
from docgenctl.model.errors import DocgenError, ExitCode

#: Longest silence of a server at work, in seconds.
SILENCE_S = 300.0


class ToolRefusedError(DocgenError):
    """The server would not do it; its own words are the message."""

    exit_code = ExitCode.USAGE
    default_code = "tool_refused"


#: What a server's words name, and the command that shows it here.
_COMMANDS = (
    ("there is no template", "docgenctl templates list"),
    ("there is no model or chain", "language models are set up under `models` in docgen.yaml"),
    ("does not exist", "docgenctl documents list"),
)


@contextmanager
def server_of(opened: OpenProject) -> Iterator[McpEndpoint]:
    """A connection to the stack for several questions. Raises NotHealthyError when it cannot be reached."""
    with McpEndpoint(find_endpoint(opened), timeout_s=SILENCE_S) as client:
        yield client


def ask(
    client: McpEndpoint,
    tool: str,
    arguments: Mapping[str, Any],
    on_progress: Callable[[Progress], object] | None = None,
) -> dict[str, Any]:
    """The structured answer of `tool`; arguments that are None are not sent.

    Raises ToolRefusedError with the server's words, and what McpEndpoint raises.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    result = client.call_tool(tool, given, on_progress)
    if result.is_error or not isinstance(result.structured, dict):
        text = result.text or f"{tool} gave no answer"
        raise ToolRefusedError(text, hint=_command_for(text))
    return result.structured


def _command_for(text: str) -> str:
    """The command that helps on, where the server's words name something that is not there."""
    return next((command for words, command in _COMMANDS if words in text), "")
