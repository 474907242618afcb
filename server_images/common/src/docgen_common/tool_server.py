"""The SDK's high-level server with error messages that a person, or a model, can act on."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, GetPromptResult, InputRequiredResult
from pydantic import ValidationError


class ToolServer(MCPServer):
    """Tells what is wrong with a call in one sentence, without the validator's jargon."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises as the SDK's own does, with another text for what the caller can mend.

        An argument that the tool does not have is refused: whoever misspells one would wait for its effect.
        """
        self._refuse_unknown(name, arguments)
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            raise ToolError(_told(name, error)) from error.__cause__

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Any, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Get a prompt. Raises MCPError (INVALID_PARAMS) for one that is not there, or lacks arguments."""
        prompt = next((each for each in await self.list_prompts() if each.name == name), None)
        if prompt is None:
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {name}")
        needed = [each.name for each in prompt.arguments or () if each.required]
        if missing := [each for each in needed if each not in (arguments or {})]:
            raise MCPError(INVALID_PARAMS, f"{', '.join(missing)}: is required")
        return await super().get_prompt(name, arguments, context)

    def _refuse_unknown(self, name: str, arguments: dict[str, Any]) -> None:
        schema = self._tool_input_schema(name)
        known = arguments if schema is None else schema.get("properties", {})
        unknown = [argument for argument in arguments if argument not in known]
        if unknown:
            there = ", ".join(known) or "none"
            raise ToolError(f"{', '.join(unknown)}: there is no such argument; there are: {there}")


def _told(name: str, error: ToolError) -> str:
    if isinstance(error.__cause__, ValidationError):
        return "; ".join(_mistake(detail) for detail in error.__cause__.errors())
    return str(error).removeprefix(f"Error executing tool {name}: ")


def _mistake(detail: Any) -> str:
    argument = ".".join(map(str, detail["loc"])) or "arguments"
    match detail["type"]:
        case "missing":
            return f"{argument}: is required"
        case "extra_forbidden":
            return f"{argument}: there is no such argument"
        case "literal_error" | "enum":
            return f"{argument}: must be one of {detail['ctx']['expected']}"
        case _:
            return f"{argument}: {detail['msg'].replace('Input should', 'should', 1)}"
