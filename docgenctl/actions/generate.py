"""`docgenctl generate`: let the main server write a document, and see its sections as they are made."""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docgenctl.actions.ask_server import ToolRefusedError, ask, server_of
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.mcp_client import McpEndpoint, Progress
from docgenctl.model.errors import ExitCode, UsageError

TOOL = "docs_generate"


class GenerationFailedError(ToolRefusedError):
    """The server could not make the document; its words are the message."""

    exit_code = ExitCode.NOT_HEALTHY
    default_code = "generation_failed"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for: a kind, and what differs from how it is usually made.

    `update` true keeps what people wrote, false makes it anew, None leaves that to the server.
    """

    kind: str
    title: str | None = None
    path: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    model: str | None = None
    update: bool | None = None
    form: str | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One finished section as it arrives; `state` is `written`, `unchanged` or `edited`."""

    title: str
    markdown: str
    state: str = "written"


@dataclass(frozen=True, kw_only=True)
class Document:
    """The finished document: its path on this machine and what the server says of it."""

    path: Path
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What only a person knows: the answer's name, the question, its type and possible values."""

    name: str
    question: str
    type: str
    choices: tuple[str, ...] = ()


Asker = Callable[[Question], str]
"""Asks a person; "" when nobody can be asked or nothing was said."""


def generate_document(
    opened: OpenProject, wanted: Wanted, on_section: Callable[[Section], None], asker: Asker
) -> Document:
    """Make the document; `on_section` gets each section as soon as it is complete.

    Raises UsageError for a kind that there is not and for answers that are missing, GenerationFailedError
    with the server's words, NotHealthyError when the stack cannot be reached.
    """
    with server_of(opened) as client:
        answers = _answered(_questions(client, wanted), wanted.answers, asker)
        return _generate(opened, client, replace(wanted, answers=answers), on_section)


def _questions(client: McpEndpoint, wanted: Wanted) -> list[dict[str, Any]]:
    """The questions of the kind, or of the template that stands in for it."""
    kinds = {str(kind["kind"]): kind for kind in ask(client, "docs_kinds", {})["kinds"]}
    if wanted.kind not in kinds:
        near = difflib.get_close_matches(wanted.kind, kinds, n=1)
        hint = f"did you mean {near[0]}?" if near else f"kinds: {', '.join(kinds)}"
        raise UsageError(f"there is no document kind {wanted.kind!r}", hint=hint)
    if wanted.template is not None:
        return list(ask(client, "templates_show", {"name": wanted.template})["variables"])
    return list(kinds[wanted.kind].get("questions") or ())


def _answered(questions: list[dict[str, Any]], answers: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
    """The answers with those that a person gave to what was missing. Raises UsageError for the rest."""
    given = dict(answers)
    for question in _open(questions, given):
        said = asker(
            Question(
                name=question["name"],
                question=question["question"],
                type=question["type"],
                choices=tuple(question.get("choices") or ()),
            )
        )
        if said.strip():
            given[question["name"]] = said
    if missing := _open(questions, given):
        raise UsageError(
            "this document needs answers that the files do not have",
            code="answers_missing",
            hint="add " + " ".join(f'--set "{question["name"]}=..."' for question in missing),
            details=[_asked(question) for question in missing],
        )
    return given


def _open(questions: list[dict[str, Any]], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The questions that must be answered and have neither an answer nor a default."""
    return [
        question
        for question in questions
        if question["required"] and question["name"] not in given and question.get("default") is None
    ]


def _asked(question: Mapping[str, Any]) -> str:
    choices = question.get("choices")
    return f"{question['name']}: {question['question']}" + (f" ({', '.join(choices)})" if choices else "")


def _generate(
    opened: OpenProject, client: McpEndpoint, wanted: Wanted, on_section: Callable[[Section], None]
) -> Document:
    arguments = {
        "kind": wanted.kind,
        "title": wanted.title,
        "path": wanted.path,
        "answers": dict(wanted.answers) or None,
        "template": wanted.template,
        "model": wanted.model,
        "update": wanted.update,
        "format": wanted.form,
    }
    try:
        facts = ask(client, TOOL, arguments, lambda progress: _tell(progress, on_section))
    except ToolRefusedError as error:
        raise GenerationFailedError(error.message, hint=_hint(error)) from None
    return Document(path=opened.project.directory / str(facts["path"]), facts=facts)


def _hint(error: ToolRefusedError) -> str:
    """How this command line says what the server's words tell any client to do."""
    if "set update to" in error.message:
        return "--update keeps it, --anew replaces it, --out writes another file"
    return error.hint


def _tell(progress: Progress, on_section: Callable[[Section], None]) -> None:
    """Sections travel as JSON in the progress message; any other message is not one."""
    try:
        content = json.loads(progress.message)
        section = Section(
            title=str(content["section"]),
            markdown=str(content["markdown"]),
            state=str(content.get("state", "written")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    on_section(section)
