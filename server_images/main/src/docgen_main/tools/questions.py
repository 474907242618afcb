"""Asking people what a kind has to know: by a form where the client can show one, else by a clear refusal."""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from docgen_main.documents.variables import AnswersError, Value, Variable, missing, settle

_KEY = "answers"
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


def settled(
    variables: Sequence[Variable], given: Mapping[str, object], ctx: Context[Any, Any], wanted: str
) -> dict[str, Value] | InputRequiredResult:
    """The answers to `variables`: those `given` and those that the client sends with the call's next round.

    When a required one is missing: what to ask the client, or a `ToolError` naming each, where it cannot be
    asked or has been asked already.
    """
    asked, answers = _asked(ctx)
    try:
        values = settle(variables, {**given, **answers})
    except AnswersError as error:
        raise ToolError(f"answers: {error}") from None
    lacking = missing(variables, values)
    if not lacking:
        return values
    if asked or not _can_be_asked(ctx):
        raise ToolError(f"{wanted} needs answers that only people have: give {_listed(lacking)} in answers")
    open_questions = [variable for variable in variables if variable.name not in given or variable in lacking]
    return InputRequiredResult(
        input_requests={
            _KEY: ElicitRequest(
                params=ElicitRequestFormParams(
                    message=f"{wanted} needs what only people know.", requested_schema=_form(open_questions)
                )
            )
        }
    )


def _listed(variables: Sequence[Variable]) -> str:
    return "; ".join(
        f"{variable.name} ({variable.question}"
        + (f" One of: {', '.join(variable.choices)}." if variable.choices else "")
        + ")"
        for variable in variables
    )


def _can_be_asked(ctx: Context[Any, Any]) -> bool:
    """Whether the client shows forms and speaks the revision in which a result can ask for them."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    shows_forms = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return shows_forms and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _asked(ctx: Context[Any, Any]) -> tuple[bool, dict[str, object]]:
    """Whether people were asked already, and what they answered; blank fields are no answers."""
    response = (ctx.input_responses or {}).get(_KEY)
    if not isinstance(response, ElicitResult):
        return False, {}
    if response.action != "accept":
        raise ToolError("the questions were not answered, so no document was made")
    return True, {
        name: value for name, value in (response.content or {}).items() if value not in (None, "", [])
    }


def _form(variables: Sequence[Variable]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {variable.name: _field(variable) for variable in variables},
        "required": [variable.name for variable in variables if variable.required],
    }


def _field(variable: Variable) -> dict[str, Any]:
    field: dict[str, Any] = {
        "type": _TYPES.get(variable.type, "string"),
        "title": variable.name.replace("_", " "),
        "description": variable.question,
    }
    if variable.choices:
        field["enum"] = list(variable.choices)
    if variable.default is not None and not isinstance(variable.default, list):
        field["default"] = variable.default
    return field
