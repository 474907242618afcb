"""The command tree: Typer's, with pages and values of our own, so that it starts without rich and pydantic.

Three places of Typer's are filled, all of them open to its users: a command's class (`CommandInfo.cls`),
`format_help`, and what turns an option's text into a value (`get_runtime_param`). docs/decisions/0010 tells
why. Command modules are imported only when their command is the one that runs.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from docgenctl.cli.app import COMMANDS, new_app
from docgenctl.cli.pages import command_page
from docgenctl.cli.pipes import reader_may_leave
from docgenctl.cli.values import read_plainly


@contextmanager
def _placed(ctx: Any) -> Iterator[None]:
    """Mistakes know the command they were made in, whose help is the hint; the parser tells not of all."""
    try:
        yield
    except typer.TyperException as mistake:
        if getattr(mistake, "ctx", None) is None:
            mistake.ctx = ctx  # type: ignore[attr-defined]
        raise


class PlainCommand(TyperCommand):
    """A command with our help page, whose values need no pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does."""
        with _placed(ctx):
            return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> Any:
        """Arguments and options, `--help` included, that read their values plainly."""
        return read_plainly(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Our page instead of Typer's."""
        formatter.write(command_page(self, ctx))


class PlainGroup(TyperGroup):
    """A group with our help page; its commands are plain ones."""

    def get_params(self, ctx: Any) -> Any:
        """Arguments and options, `--help` included, that read their values plainly."""
        return read_plainly(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Our page instead of Typer's."""
        formatter.write(command_page(self, ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Answer a group without a command with its page."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(2)
        with _placed(ctx):
            return super().parse_args(ctx, args)


class CommandTree(PlainGroup):
    """A group whose commands are placeholders until one of them is about to run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in its placeholder's place, then resolve as usual."""
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load(args[0])
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse, and print help, for a reader that may leave."""
        with reader_may_leave():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command for a reader that may leave."""
        with reader_may_leave():
            return super().invoke(ctx)


def load(name: str) -> Any:
    """The command, or group of commands, of that name in the table of contents."""
    app: typer.Typer = importlib.import_module(f"docgenctl.cli.{COMMANDS[name].module}").app
    for registered in app.registered_commands:
        registered.cls = PlainCommand
    command = get_command(app)
    command.name = name
    return command


root = new_app(cls=CommandTree, no_args_is_help=True, add_completion=True)


@root.callback()
def _root() -> None:
    """Run a stack of MCP servers from one file: docgen.yaml.

    Start with docgenctl up; no configuration is needed.
    """
