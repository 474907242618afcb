"""Help pages: plain text in the width of the terminal, headings bold where colours are welcome.

The front page is made from the table of contents alone, a command's page from its Typer object. On less
than 50 columns a meaning stands below its term instead of beside it.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from docgenctl.cli.app import Entry

_WIDEST, _NARROWEST, _SIDE_BY_SIDE = 100, 20, 50
_LONGEST_TERM = 30

Rows = Sequence[tuple[str, str]]

#: The options of `docgenctl` itself; a test compares them with the root's.
ROOT_OPTIONS: Rows = (
    ("--install-completion", "Install completion for the current shell."),
    ("--show-completion", "Print the completion script of the current shell, to install it by hand."),
    ("-h, --help", "Show this page; every command has one, too."),
)

_METAVARS = {"str": "TEXT", "Path": "PATH", "int": "NUMBER", "float": "NUMBER"}


def front_page(commands: Mapping[str, Entry], stream: TextIO) -> str:
    """What `docgenctl --help` prints to this stream."""
    page = _Page(stream)
    page.usage("docgenctl", "[OPTIONS] COMMAND [ARGS]...")
    page.text("Run a stack of MCP servers from one file: docgen.yaml.")
    page.text("Start with docgenctl up; no configuration is needed.")
    panels: dict[str, list[tuple[str, str]]] = {}
    for name, entry in commands.items():
        panels.setdefault(entry.panel, []).append((name, entry.summary))
    width = max(map(len, commands))
    for panel, rows in panels.items():
        page.rows(panel, rows, width)
    page.rows("Options", ROOT_OPTIONS)
    return page.finished()


def command_page(command: Any, context: Any) -> str:
    """What `--help` prints for a command or a group; `command` and `context` are Typer's."""
    import sys

    page = _Page(sys.stdout)
    page.usage(context.command_path, " ".join(_usage_pieces(command, context)))
    for paragraph in (command.help or "").split("\n\n"):
        page.text(" ".join(paragraph.split()))
    shown = [
        parameter for parameter in command.get_params(context) if not getattr(parameter, "hidden", False)
    ]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    page.rows("Arguments", [(_argument(parameter), _meaning(parameter)) for parameter in arguments])
    below = getattr(command, "commands", {})
    page.rows("Commands", [(name, child.get_short_help_str(200)) for name, child in below.items()])
    options = [one for one in shown if one.param_type_name != "argument"]
    page.rows("Options", [(_option(parameter), _meaning(parameter)) for parameter in options])
    return page.finished()


def _usage_pieces(command: Any, context: Any) -> Iterable[str]:
    yield "[OPTIONS]"
    yield from (_argument(p) for p in command.get_params(context) if p.param_type_name == "argument")
    if hasattr(command, "commands"):
        yield "COMMAND [ARGS]..."


def _argument(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    spelled = ", ".join(sorted((*parameter.opts, *parameter.secondary_opts), key=len))
    term = f"    {spelled}" if spelled.startswith("--") else spelled
    return term if parameter.is_flag else f"{term} {_metavar(parameter)}"


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    kind = getattr(parameter.type_descriptor.annotation, "__name__", "")
    return _METAVARS.get(kind, "VALUE")


def _meaning(parameter: Any) -> str:
    told, default = parameter.help or "", parameter.default
    if parameter.required:
        return f"{told} [required]"
    facts = []
    if getattr(parameter, "min", None) is not None:
        facts.append(f"at least {parameter.min:g}")
    if not (isinstance(default, bool) or default in (None, "", ()) or parameter.show_default is False):
        facts.append(f"default: {default:g}" if isinstance(default, float) else f"default: {default}")
    return f"{told} [{', '.join(facts)}]" if facts else str(told)


class _Page:
    """Collects lines in the width of the terminal that a stream leads to."""

    def __init__(self, stream: TextIO) -> None:
        self._width = max(min(_columns(stream), _WIDEST), _NARROWEST)
        tinted = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._bold, self._plain = ("\033[1m", "\033[0m") if tinted else ("", "")
        self._lines: list[str] = []

    def usage(self, program: str, pieces: str) -> None:
        """The first line."""
        lines = self._wrapped(f"Usage: {program} {pieces}", "", "  ")
        self._lines += [lines[0].replace("Usage:", f"{self._bold}Usage:{self._plain}", 1), *lines[1:]]

    def text(self, paragraph: str) -> None:
        """A paragraph after an empty line."""
        if paragraph:
            self._lines += ["", *self._wrapped(paragraph)]

    def rows(self, heading: str, rows: Rows, term_width: int = 0) -> None:
        """Terms and their meanings under a heading; nothing without rows."""
        if not rows:
            return
        self._lines += ["", f"{self._bold}{heading}:{self._plain}"]
        longest = max(len(term) for term, _ in rows)
        column = min(max(longest, term_width), _LONGEST_TERM) + 4
        for term, meaning in rows:
            self._row(term, meaning, column)

    def _row(self, term: str, meaning: str, column: int) -> None:
        if self._width < _SIDE_BY_SIDE:
            self._lines += self._wrapped(term.strip(), "  ", "  ")
            self._lines += self._wrapped(meaning, "    ", "    ")
        elif len(term) + 4 > column:
            self._lines += [f"  {term}", *self._wrapped(meaning, " " * column, " " * column)]
        else:
            self._lines += self._wrapped(meaning, f"  {term:<{column - 2}}", " " * column)

    def _wrapped(self, text: str, first: str = "", rest: str = "") -> list[str]:
        return textwrap.wrap(
            text, self._width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        ) or [first.rstrip()]

    def finished(self) -> str:
        """The page, with what the stream cannot encode replaced."""
        return "\n".join(self._lines) + "\n"


def _columns(stream: TextIO) -> int:
    """The width that COLUMNS or the terminal says, 80 where nothing does."""
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # no terminal, or no file behind the stream
        return 80
