"""The one object that owns the terminal: results on stdout, messages on stderr, errors in one form."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from docgenctl.cli.pipes import output_told
from docgenctl.cli.plain_text import harmless, printable, visible
from docgenctl.model.errors import ConfigurationError, DocgenError, ExitCode

if TYPE_CHECKING:
    from docgenctl.model.progress import Reporter


#: In a terminal of fewer columns a table is told cell by cell.
_NARROW = 50


class Console:
    """Prints for people, or with `json_mode` for programs.

    Colours and live displays only on a terminal; `NO_COLOR` (no-color.org) and `TERM=dumb` are honoured.
    """

    def __init__(
        self, *, json_mode: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self.json_mode = json_mode
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    @property
    def interactive(self) -> bool:
        """Whether a person is looking and can answer."""
        return self.err.isatty() and sys.stdin is not None and sys.stdin.isatty() and not self.json_mode

    def colours(self, stream: TextIO) -> bool:
        """Whether a stream may carry colours."""
        return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """One line of the result."""
        with output_told():
            print(printable(text, self.out), file=self.out)

    def text(self, text: str) -> None:
        """A text of several lines as the result; on a terminal nothing in it can move the cursor."""
        for line in text.rstrip("\n").split("\n"):
            self.line(visible(line) if self.out.isatty() else line)

    def note(self, text: str) -> None:
        """One line that is not the result."""
        with suppress(OSError):  # nobody is left to be told
            print(printable(text, self.err), file=self.err, flush=True)

    def notes(self, notes: Sequence[str]) -> None:
        """Sentences that people should read, such as what a command passed over."""
        for note in notes:
            self.note(f"Note: {harmless(note)}")

    def json(self, value: Any) -> None:
        """The whole result for a program."""
        import json

        self.line(json.dumps(value, indent=2, ensure_ascii=False, default=str))

    def json_line(self, value: Any) -> None:
        """One of several results for a program, on a line of its own."""
        import json

        self.line(json.dumps(value, ensure_ascii=False, default=str))
        self.out.flush()

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows in columns; the last column may be cut off by nobody but the terminal.

        Cells may hold what a server wrote: nothing in them moves the cursor or hides.
        """
        rows = [[visible(cell) for cell in row] for row in rows]
        if not self.out.isatty():
            widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
            for row in (headers, *rows):
                self.line(
                    "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                )
            return
        if shutil.get_terminal_size().columns < _NARROW:
            self._blocks(headers, rows)
            return
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*(_tinted(cell, Text) for cell in row))
        RichConsole(file=self.out, no_color=not self.colours(self.out), highlight=False).print(table)

    def _blocks(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A line a cell, since columns of three letters cannot be read."""
        for row in rows:
            for header, cell in zip(headers, row, strict=True):
                if cell.strip():
                    self.line(f"{header} {cell}".strip())
            self.line()

    @contextmanager
    def progress(self) -> Iterator[Reporter]:
        """A reporter for the time of one action: live on a terminal, plain lines elsewhere."""
        from docgenctl.cli.progress import PlainReporter, TerminalReporter

        if not self.err.isatty() or os.environ.get("TERM") == "dumb":
            yield PlainReporter(self.err, quiet=False)
            return
        with TerminalReporter(self.err, colours=self.colours(self.err)) as reporter:
            yield reporter

    def confirm(self, question: str) -> bool:
        """Ask a person; answers no where nobody can be asked."""
        if not self.interactive:
            return False
        self.err.write(f"{question} [y/N] ")
        self.err.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def error(self, error: DocgenError) -> None:
        """The one form of all errors."""
        if self.json_mode:
            self.json(error_document(error))
        red, bold, end = ("\033[31m", "\033[1m", "\033[0m") if self.colours(self.err) else ("", "", "")
        self.note(f"{red}{bold}Error:{end} {harmless(error.message)}")
        if isinstance(error, ConfigurationError):
            for problem in error.problems:
                if str(problem) == error.message:  # the only one, told above
                    continue
                self.note(f"  {harmless(str(problem))}")
                if problem.hint:
                    self.note(f"    {bold}Hint:{end} {harmless(problem.hint)}")
        for detail in error.details:
            self.note(f"  {harmless(detail)}")
        if error.hint:
            self.note(f"{bold}Hint:{end} {harmless(error.hint)}")


def error_document(error: DocgenError) -> dict[str, Any]:
    """`{"error": {code, message, hint, details, exit_code[, problems]}}` (docs/cli.md)."""
    document: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "details": list(error.details),
        "exit_code": int(error.exit_code),
    }
    if isinstance(error, ConfigurationError):
        document["problems"] = [
            {
                "file": problem.file,
                "line": problem.line,
                "key_path": problem.key_path,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in error.problems
        ]
    return {"error": document}


def report_bug(error: Exception, console: Console) -> None:
    """Tell that this one is ours, and keep the traceback in a file instead of on the screen."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="docgenctl-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exception(error, file=file)
    console.error(
        DocgenError(
            f"a bug in docgenctl: {type(error).__name__}: {error}",
            hint=f"please report it with {file.name}",
            code="bug",
        )
    )
    assert DocgenError.exit_code is ExitCode.BUG  # noqa: S101 - the exit code above is this one's


def as_json(value: Any) -> Any:
    """A frozen dataclass (or a sequence or mapping of them) as plain JSON data."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, frozenset, set)):
        return [as_json(item) for item in value]
    return value


_TINTS = {
    "healthy": "green",
    "running": "green",
    "ok": "green",
    "✔": "green",
    "starting": "yellow",
    "unhealthy": "red",
    "exited": "red",
    "failed": "red",
    "✘": "red",
}


def _tinted(cell: str, text_type: Any) -> Any:
    return text_type(cell, style=_TINTS.get(cell, ""))
