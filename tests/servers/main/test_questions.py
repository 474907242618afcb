"""What only people know: asked by a form where the client shows one, else named in the refusal."""

from pathlib import Path
from typing import Any

import pytest
from docgen_main.server import build_server
from docgen_main.workspace import Workspace
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

pytestmark = pytest.mark.anyio

ANSWERS = {
    "decision": "Use squid",
    "context": "Nothing may leave unasked.",
    "consequences": "One list to keep\nOne more process",
    "status": "accepted",
}


class Person:
    """Answers the form that the client shows."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.asked: list[ElicitRequestFormParams] = []

    async def __call__(self, ctx: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params)
        return ElicitResult(**self.answer)


async def test_a_client_that_shows_forms_is_asked_once_and_gets_the_document(
    workspace: Workspace, root: Path
) -> None:
    person = Person(action="accept", content={**ANSWERS, "reason": ""})
    async with Client(build_server(workspace), elicitation_callback=person) as client:
        result = await client.call_tool("docs_generate", {"kind": "adr"})
    assert not result.is_error, result.content
    (asked,) = person.asked
    assert asked.requested_schema["required"] == ["decision", "context", "consequences"]
    assert asked.requested_schema["properties"]["status"]["enum"][:2] == ["proposed", "accepted"]
    document = (root / "docs/generated/decisions/use-squid.md").read_text()
    assert "Status: accepted" in document
    assert "- One more process" in document
    assert "## Reason" not in document


async def test_an_answer_that_was_given_blank_is_asked_for_and_then_taken(workspace: Workspace) -> None:
    person = Person(action="accept", content={"context": "Because."})
    async with Client(build_server(workspace), elicitation_callback=person) as client:
        result = await client.call_tool(
            "docs_generate", {"kind": "adr", "answers": {**ANSWERS, "context": ""}}
        )
    assert not result.is_error, result.content


async def test_what_is_given_is_not_asked_again(workspace: Workspace) -> None:
    person = Person(action="accept", content={"context": "Because."})
    given = {name: value for name, value in ANSWERS.items() if name != "context"}
    async with Client(build_server(workspace), elicitation_callback=person) as client:
        result = await client.call_tool("docs_generate", {"kind": "adr", "answers": given})
    assert not result.is_error, result.content
    assert "decision" not in person.asked[0].requested_schema["properties"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": "decline"}, "not answered"),
        ({"action": "cancel"}, "not answered"),
        ({"action": "accept", "content": {"decision": "x"}}, "context (Which problem"),
    ],
)
async def test_without_all_answers_no_document_is_made(
    workspace: Workspace, root: Path, answer: dict[str, Any], said: str
) -> None:
    person = Person(**answer)
    async with Client(build_server(workspace), elicitation_callback=person) as client:
        result = await client.call_tool("docs_generate", {"kind": "adr"})
    assert result.is_error
    assert said in str(result.content)
    assert len(person.asked) == 1
    assert list((root / "docs/generated").iterdir()) == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_without_forms_is_told_which_answers_to_give(workspace: Workspace, mode: Any) -> None:
    async with Client(build_server(workspace), mode=mode) as client:
        refused = await client.call_tool("docs_generate", {"kind": "test-plan"})
        assert refused.is_error
        for name in ("goals", "risks", "done_when"):
            assert f"{name} (" in str(refused.content)
        wrong = await client.call_tool(
            "docs_generate", {"kind": "adr", "answers": {"status": "maybe", "x": 1}}
        )
        assert "status: must be one of" in str(wrong.content)
        assert "x: there is no such variable" in str(wrong.content)
        told = await client.call_tool("docs_generate", {"kind": "adr", "answers": ANSWERS})
    assert not told.is_error, told.content


async def test_an_update_keeps_the_answers_that_were_given(workspace: Workspace, root: Path) -> None:
    async with Client(build_server(workspace)) as client:
        path = "decisions/use-squid.md"
        await client.call_tool("docs_generate", {"kind": "adr", "answers": ANSWERS})
        again = await client.call_tool(
            "docs_generate",
            {"kind": "adr", "path": path, "update": True, "answers": {"status": "superseded"}},
        )
        shown = (await client.call_tool("docs_show", {"path": path})).structured_content
    assert not again.is_error, again.content
    assert again.structured_content is not None
    assert again.structured_content["unchanged"] == ["context", "consequences"]
    assert "Status: superseded" in (root / "docs/generated" / path).read_text()
    assert shown is not None
    assert shown["changed_sources"] == []


async def test_kinds_are_listed_with_their_questions(workspace: Workspace) -> None:
    async with Client(build_server(workspace)) as client:
        listed = (await client.call_tool("docs_kinds", {})).structured_content
    assert listed is not None
    kinds = {kind["kind"]: kind for kind in listed["kinds"]}
    questions = {question["name"]: question for question in kinds["adr"]["questions"]}
    assert questions["status"]["default"] == "proposed"
    assert questions["decision"]["required"]
    assert kinds["readme"]["questions"] == []
