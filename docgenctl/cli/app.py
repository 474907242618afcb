"""The table of contents, and the one way in: a command line becomes an exit code.

`COMMANDS` is all that the front page and the completion of a command's name need, so neither imports Typer
or a single command. A test holds its summaries against the commands' docstrings. What does run a command
(`tree`) is imported when one is named, and imports that command's module alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from docgenctl.cli.pipes import output_told, reader_may_leave

if TYPE_CHECKING:
    import typer

    from docgenctl.model.errors import DocgenError

_LIFE, _USE, _LOOK, _CONFIGURE = "Run the stack", "Use the stack", "Look at the stack", "Set it up"


class Entry(NamedTuple):
    """One line of the table of contents; the module holds a Typer app named `app`."""

    panel: str
    summary: str
    module: str


COMMANDS = {
    "up": Entry(_LIFE, "Build what changed, start the stack, wait until it is healthy and prove it.", "up"),
    "down": Entry(_LIFE, "Remove the stack's containers and networks; data stays.", "down"),
    "start": Entry(_LIFE, "Start stopped services again, as they were.", "start"),
    "stop": Entry(_LIFE, "Stop services and keep everything in place.", "stop"),
    "restart": Entry(_LIFE, "Stop and start services.", "restart"),
    "scale": Entry(_LIFE, "Run more or fewer orchestrators, without dropping a request.", "scale"),
    "deploy": Entry(_LIFE, "Bring the stack to a new version, and back by itself when that fails.", "deploy"),
    "plan": Entry(_LIFE, "Show what up would do, and why, and change nothing.", "plan"),
    "generate": Entry(_USE, "Write a document about this repository.", "generate"),
    "documents": Entry(_USE, "List the documents, say how one was made, export it.", "documents"),
    "templates": Entry(
        _USE,
        "Make kinds of documents of your own: templates with versions, stored in the stack.",
        "templates",
    ),
    "tools": Entry(_USE, "List, inspect, accept and call the tools of all servers.", "tools"),
    "keys": Entry(
        _USE,
        "Make keys for clients, list them, revoke them; a running stack knows within a second.",
        "keys",
    ),
    "endpoint": Entry(_USE, "Say where clients connect, and where certificate and key lie.", "endpoint"),
    "clients": Entry(_USE, "Connect MCP clients on this machine: Claude, Cursor, VS Code, Codex.", "clients"),
    "mcp": Entry(_USE, "Serve the stack to one MCP client over standard input and output.", "mcp"),
    "open": Entry(_USE, "Open the newest document, a named one, or the picture of the topology.", "open"),
    "status": Entry(_LOOK, "Show every service: state, health, ports, image, restarts.", "status"),
    "describe": Entry(
        _LOOK,
        "Tell all about the stack: URLs, who reaches whom, files, certificates, secrets, keys.",
        "describe",
    ),
    "topology": Entry(
        _LOOK, "Draw who is connected with whom: in the terminal, as SVG or as Mermaid.", "topology"
    ),
    "routes": Entry(_LOOK, "Show what owns what: tools, servers, endpoints, limits, collisions.", "routes"),
    "prove": Entry(
        _LOOK, "Prove again: real tool calls, and who cannot reach whom, tried from inside.", "prove"
    ),
    "verify": Entry(
        _LOOK, "Measure calls through the stack, and whether streams arrive whole and end in time.", "verify"
    ),
    "health": Entry(_LOOK, "Check layer by layer: services, TLS, protocol, a real tool call.", "health"),
    "ports": Entry(_LOOK, "Show each host port: its range, who chose it, who holds it.", "ports"),
    "doctor": Entry(
        _LOOK,
        "Check engine, machine, network, surroundings, project and GitHub: verdict, evidence, fix for each.",
        "doctor",
    ),
    "logs": Entry(_LOOK, "Print the services' logs.", "logs"),
    "history": Entry(_LOOK, "Show who changed the stack, when, with which result.", "history"),
    "lock": Entry(_LOOK, "Say who is changing the stack, or end a command that hangs.", "lock"),
    "init": Entry(_CONFIGURE, "Write a docgen.yaml to start from.", "init"),
    "servers": Entry(_CONFIGURE, "Add, list and remove MCP servers of your own.", "servers"),
    "config": Entry(_CONFIGURE, "Check, explain and change the configuration.", "config"),
    "render": Entry(
        _CONFIGURE, "Write compose file, Dockerfiles and configuration without starting.", "render"
    ),
    "build": Entry(_CONFIGURE, "Build the images whose content changed.", "build"),
    "base-image": Entry(
        _CONFIGURE, "Build the base image from Debian packages, without a registry.", "base_image"
    ),
    "version": Entry(_CONFIGURE, "Print the version of docgenctl and of the engine.", "version"),
}


#: What a shell sets when it wants to know how a line may go on.
COMPLETION_ASKED = "_DOCGENCTL_COMPLETE"


def new_app(**options: Any) -> typer.Typer:
    """A Typer app with the settings that all of our commands share; completion is the root's alone."""
    import typer

    from docgenctl.cli.tree import PlainGroup

    return typer.Typer(
        **{"add_completion": False, "cls": PlainGroup, **options},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # rich takes longer to import than most commands take altogether
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code; errors are told, never shown as a traceback."""
    if COMPLETION_ASKED in os.environ:
        code = _complete(os.environ[COMPLETION_ASKED])
        if code is not None:
            return code
    elif list(arguments) in ([], ["-h"], ["--help"]):
        return _front_page(asked=bool(arguments))
    from docgenctl.cli.interruption import run_interruptibly

    json_mode = "--json" in arguments
    return run_interruptibly(
        lambda: _run(arguments), lambda error: _explain(error, json_mode=json_mode), arguments
    )


def _complete(instruction: str) -> int | None:
    from docgenctl.cli.completion import answer

    try:
        answered = answer(instruction, os.environ)
        if answered is not None:
            sys.stdout.write(f"{answered[0]}\n")
            sys.stdout.flush()
    except Exception:  # noqa: BLE001 - whatever it is, a shell in the middle of a line is no place for it
        return 1
    return None if answered is None else answered[1]


def _front_page(*, asked: bool) -> int:
    from docgenctl.cli.pages import front_page

    try:
        with reader_may_leave(), output_told():
            sys.stdout.write(front_page(COMMANDS, sys.stdout))
            sys.stdout.flush()
    except SystemExit:
        return 0
    except Exception as error:  # noqa: BLE001 - what `run` does for all other commands
        return _explain(error, json_mode=False)
    return 0 if asked else 2


def _run(arguments: Sequence[str]) -> int:
    if (served := _serve_quickly(arguments)) is not None:
        return served
    # What other packages plug into pydantic is none of ours; looking for it takes longer than Python's start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from docgenctl.cli import tree

    try:
        code = tree.root(list(arguments), prog_name="docgenctl", standalone_mode=False)
        with reader_may_leave(), output_told():
            sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return code if isinstance(code, int) else 0


def _serve_quickly(arguments: Sequence[str]) -> int | None:
    """`docgenctl mcp` in its plain form, without Typer: clients start it often, and wait. None: not that."""
    if list(arguments[:1]) != ["mcp"]:
        return None
    from docgenctl.actions.bridge_stdio import bridge_stdio, read_arguments

    read = read_arguments(list(arguments[1:]))
    if read is None:
        return None
    directory, door, key_file = read
    bridge_stdio(directory, door, os.environ, key_file=key_file)
    return 0


def _explain(error: Exception, *, json_mode: bool) -> int:
    import typer

    from docgenctl.cli.console import Console, report_bug
    from docgenctl.model.errors import DocgenError, ExitCode

    if isinstance(error, DocgenError):
        return _tell(error, json_mode=json_mode)
    if isinstance(error, typer.TyperException):
        return _tell_usage(error, json_mode=json_mode)
    if isinstance(error, typer.Abort):
        return int(ExitCode.INTERRUPTED)
    report_bug(error, Console(json_mode=json_mode))  # the last line of defence: our bug, with a report
    return int(ExitCode.BUG)


def _tell(error: DocgenError, *, json_mode: bool) -> int:
    from docgenctl.cli.console import Console

    Console(json_mode=json_mode).error(error)
    return int(error.exit_code)


def _tell_usage(wrong: typer.TyperException, *, json_mode: bool) -> int:
    """Mistakes in the command line, in the one form of all errors."""
    from docgenctl.model.errors import UsageError

    message = wrong.format_message().strip().replace(": Value error, ", ": ")
    context = getattr(wrong, "ctx", None)
    path = context.command_path if context is not None else "docgenctl"
    return _tell(UsageError(message.removesuffix("."), hint=f"{path} --help"), json_mode=json_mode)
