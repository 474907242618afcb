"""The command tree. Command modules are imported only when their command is the one that runs.

`COMMANDS` is the table of contents: the help page and shell completion are made from it alone, so that
they need not import twenty modules. A test holds the summaries against the commands' docstrings.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from docgenctl.cli.console import Console, report_bug
from docgenctl.cli.interruption import run_interruptibly
from docgenctl.model.errors import DocgenError, ExitCode, UsageError

_LIFE, _USE, _LOOK, _CONFIGURE = "Run the stack", "Use the stack", "Look at the stack", "Set it up"


@dataclass(frozen=True, slots=True)
class Entry:
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
    "deploy": Entry(_LIFE, "Bring the stack to a new version, and back by itself when that fails.", "deploy"),
    "generate": Entry(_USE, "Write a document about this repository.", "generate"),
    "tools": Entry(_USE, "List and call the tools of all servers.", "tools"),
    "endpoint": Entry(_USE, "Say where clients connect, and where certificate and key lie.", "endpoint"),
    "status": Entry(_LOOK, "Show every service: state, health, ports, image, restarts.", "status"),
    "health": Entry(_LOOK, "Check layer by layer: containers, TLS, protocol, a real tool call.", "health"),
    "logs": Entry(_LOOK, "Print the services' logs.", "logs"),
    "init": Entry(_CONFIGURE, "Write a docgen.yaml to start from.", "init"),
    "config": Entry(_CONFIGURE, "Check and explain the configuration.", "config"),
    "render": Entry(
        _CONFIGURE, "Write compose file, Dockerfiles and configuration without starting.", "render"
    ),
    "build": Entry(_CONFIGURE, "Build the images whose content changed.", "build"),
    "base-image": Entry(
        _CONFIGURE, "Build the base image from Debian packages, without a registry.", "base_image"
    ),
    "version": Entry(_CONFIGURE, "Print the version of docgenctl and of the engine.", "version"),
}


class CommandTree(TyperGroup):
    """A group whose commands are placeholders until one of them is about to run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in its placeholder's place, then resolve as usual."""
        entry = COMMANDS.get(args[0]) if args else None
        if entry is not None:
            module = importlib.import_module(f"docgenctl.cli.{entry.module}")
            command = get_command(module.app)
            command.name = args[0]
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse, and print help, for a reader that may leave."""
        with _reader_may_leave():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command for a reader that may leave."""
        with _reader_may_leave():
            return super().invoke(ctx)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """End quietly and well when whoever reads our output has seen enough, as `head` has."""
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # Rich ends with 1 then
            raise SystemExit(ExitCode.DONE) from None
        raise
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(ExitCode.DONE) from None


def new_app(*, add_completion: bool = False, **options: Any) -> typer.Typer:
    """A Typer app with the settings that all of our commands share; completion is the root's alone."""
    return typer.Typer(
        add_completion=add_completion,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


root = new_app(cls=CommandTree, no_args_is_help=True, add_completion=True)


@root.callback()
def _root() -> None:
    """Run a stack of MCP servers from one file: docgen.yaml.

    Start with [bold]docgenctl up[/bold]; no configuration is needed.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code; errors are told, never shown as a traceback."""
    json_mode = "--json" in arguments
    return run_interruptibly(
        lambda: _run(arguments), lambda error: _explain(error, json_mode=json_mode), arguments
    )


def _run(arguments: Sequence[str]) -> int:
    try:
        code = root(list(arguments), prog_name="docgenctl", standalone_mode=False)
        with _reader_may_leave():
            sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return code if isinstance(code, int) else int(ExitCode.DONE)


def _explain(error: Exception, *, json_mode: bool) -> int:
    if isinstance(error, DocgenError):
        return _tell(error, json_mode=json_mode)
    if isinstance(error, typer.TyperException):
        return _tell_usage(error, json_mode=json_mode)
    if isinstance(error, typer.Abort):
        return int(ExitCode.INTERRUPTED)
    report_bug(error, Console(json_mode=json_mode))  # the last line of defence: our bug, with a report
    return int(ExitCode.BUG)


def _tell(error: DocgenError, *, json_mode: bool) -> int:
    Console(json_mode=json_mode).error(error)
    return int(error.exit_code)


def _tell_usage(wrong: typer.TyperException, *, json_mode: bool) -> int:
    """Mistakes in the command line, in the one form of all errors."""
    message = wrong.format_message().strip()
    if not message:  # a group without a command: its help has been printed
        return int(ExitCode.USAGE)
    context = getattr(wrong, "ctx", None)
    path = context.command_path if context is not None else "docgenctl"
    return _tell(UsageError(message.removesuffix("."), hint=f"{path} --help"), json_mode=json_mode)
