import io
import json
from dataclasses import dataclass

import pytest

from docgenctl.cli.console import Console, as_json
from docgenctl.cli.progress import PlainReporter, TerminalReporter
from docgenctl.model.observed import Health


def printed(*rows: list[str]) -> list[str]:
    out = io.StringIO()
    Console(out=out).table(["NAME", "VALUE"], rows)
    return out.getvalue().splitlines()


def test_tables_off_a_terminal_are_aligned_columns() -> None:
    assert printed(["a", "1"], ["longer", ""]) == ["NAME    VALUE", "a       1", "longer"]


def test_an_empty_table_is_its_headers() -> None:
    assert printed() == ["NAME  VALUE"]


def test_results_go_to_standard_output_and_messages_to_standard_error() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err)
    console.line("result")
    console.note("message")
    assert (out.getvalue(), err.getvalue()) == ("result\n", "message\n")


def test_what_the_stream_cannot_encode_is_replaced() -> None:
    raw = io.BytesIO()
    console = Console(out=io.TextIOWrapper(raw, encoding="ascii"))
    console.line("✔ done")
    console.out.flush()
    assert raw.getvalue() == b"ok done\n"


def test_nobody_is_asked_in_json_mode_or_off_a_terminal() -> None:
    assert Console(json_mode=True).confirm("Really?") is False
    assert Console(err=io.StringIO()).confirm("Really?") is False


def test_json_keeps_words_and_nesting() -> None:
    @dataclass(frozen=True)
    class Row:
        health: Health
        ports: tuple[int, ...]
        more: dict[str, object]

    out = io.StringIO()
    Console(out=out).json(as_json(Row(Health.HEALTHY, (1, 2), {"ü": None})))
    assert "ü" in out.getvalue()
    assert json.loads(out.getvalue()) == {"health": "healthy", "ports": [1, 2], "more": {"ü": None}}


def test_plain_progress_is_a_line_when_something_is_done_and_rarely_in_between() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream, quiet=False)
    reporter.begin("image", "main", "building")
    for step in range(100):
        reporter.advance("image", "main", f"Step {step}")
    reporter.done("image", "main", "built")
    reporter.begin("network", "mcp-main", "create")
    reporter.done("network", "mcp-main", "created")
    reporter.failed("service", "main", "start container")
    reporter.warn("careful")
    assert stream.getvalue().splitlines() == [
        "· image main: building",
        "✔ image main: built",
        "✘ service main: start container",
        "Warning: careful",
    ]


@pytest.mark.parametrize("text", ["[red]not markup[/red]", "\x1b[31mred", "two\nlines", "[/]"])
def test_a_terminal_s_progress_takes_any_text(text: str) -> None:
    stream = io.StringIO()
    with TerminalReporter(stream, colours=False) as reporter:
        reporter.begin("image", "main", text)
        reporter.advance("image", "main", text)
        reporter.done("image", "main", text)
        reporter.failed("image", "main", text)
        reporter.say(text)
        reporter.warn(text)
    assert "image main" in stream.getvalue()
