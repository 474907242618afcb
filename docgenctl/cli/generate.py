"""`docgenctl generate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from docgenctl.cli.answers import Answers, read_answers
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

if TYPE_CHECKING:
    from docgenctl.actions.generate import Document, Question, Section
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.model.errors import DocgenError

#: What the main server makes without templates; a test holds this against the server.
KINDS = (
    "readme",
    "architecture",
    "api-reference",
    "changelog",
    "release-notes",
    "getting-started",
    "runbook",
    "adr",
    "requirements",
    "test-plan",
)

app = new_app()


@app.command()
def generate(
    kind: Annotated[
        str,
        typer.Argument(
            help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}, or a kind that a template of yours makes.",
            autocompletion=lambda: list(KINDS),
        ),
    ],
    title: Annotated[str | None, typer.Option(help="Title; by default the project's name.")] = None,
    out: Annotated[
        str | None, typer.Option(help="File in the output folder; by default named after the kind.")
    ] = None,
    answers: Answers = None,
    template: Annotated[str | None, typer.Option(help="A template of yours to make it of.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Who words it: provider/model, or embedded for facts alone.")
    ] = None,
    update: Annotated[
        bool | None,
        typer.Option(
            "--update/--anew",
            help="Keep what people wrote and write only what has new facts, or make it anew; "
            "by default anew, unless people wrote in it.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Literal["markdown", "html"] | None,
        typer.Option("--format", help="html: one page that needs nothing else.", show_default="markdown"),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Make it again whenever files change, until Ctrl-C.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the finished document as a page.")] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Write a document about this repository."""
    from docgenctl.actions.generate import Wanted, generate_document
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.watch_document import watch_document

    console = Console(json_mode=json_mode)
    wanted = Wanted(
        kind=kind,
        title=title,
        path=out,
        answers=read_answers(answers),
        template=template,
        model=model,
        update=update,
        form=form,
    )
    opened = open_project(project_dir, os.environ)
    view = _View(console, opened, open_it=open_it)
    if not watch:
        view.made(generate_document(opened, wanted, view.section, view.ask))
        return
    for document in watch_document(opened, wanted, view.section, view.ask, view.paused):
        view.made(document)


class _View:
    """What a person, or a program, sees of documents being made."""

    def __init__(self, console: Console, opened: OpenProject, *, open_it: bool) -> None:
        self._console = console
        self._opened = opened
        self._open_it = open_it
        self._shown = ""

    def section(self, section: Section) -> None:
        """The section itself to a person at a terminal, a line about it to a log."""
        console = self._console
        if console.json_mode or (self._shown and section.state == "unchanged"):
            return
        if section.state != "written" or not console.err.isatty():
            console.note(f"✔ {section.title}" + ("" if section.state == "written" else f" ({section.state})"))
            return
        from rich.console import Console as RichConsole
        from rich.markdown import Markdown

        rich = RichConsole(file=console.err, no_color=not console.colours(console.err), highlight=False)
        rich.rule(style="dim")
        rich.print(Markdown(section.markdown))

    def made(self, document: Document) -> None:
        """Where it is, each time; opened the first time."""
        console, facts = self._console, document.facts
        if console.json_mode:
            console.json({**facts, "file": str(document.path)})
        else:
            for reason in facts.get("passed_over") or ():
                console.note(f"Note: passed over {reason}")
            if facts.get("removed"):
                count = len(facts["removed"])
                console.note(f"Note: {count} claims of models named what does not exist and were taken out")
            if facts.get("edited"):
                console.note(f"Note: kept as people edited them: {', '.join(facts['edited'])}")
            console.line(str(document.path))
            console.out.flush()
        if self._open_it and not self._shown:
            self._open(document)
        self._shown = str(document.path)

    def ask(self, question: Question) -> str:
        """The person's answer; nothing off a terminal."""
        console = self._console
        if not console.interactive:
            return ""
        choices = f" ({', '.join(question.choices)})" if question.choices else ""
        console.err.write(f"{question.question}{choices}: ")
        console.err.flush()
        return sys.stdin.readline().strip()

    def paused(self, error: DocgenError) -> None:
        """The stack is away for a while."""
        if not self._console.json_mode:
            self._console.note(f"waiting: {error.message}")

    def _open(self, document: Document) -> None:
        from docgenctl.host.opener import open_file

        page = self._page(document)
        if not open_file(page):
            self._console.note(f"There is no desktop here to open it with; the page is {page}")

    def _page(self, document: Document) -> Path:
        if document.path.suffix == ".html":
            return document.path
        from docgenctl.actions.use_documents import export_document

        return export_document(self._opened, str(document.facts["path"]), "html", None)
