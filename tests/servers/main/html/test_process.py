import os
import threading
import time
from pathlib import Path

import pytest
from docgen_main.html import PageError, TooLargeError, page, process
from docgen_main.html.frame import framed
from docgen_main.html.limits import MARKDOWN_BYTES

TEXT = "# Title\n\nWörter\n\n```mermaid\nflowchart TD\n  a --> b\n```\n\n```python\nx = 1\n```\n"


def test_the_page_is_the_same_as_one_made_in_the_process_itself() -> None:
    assert page(TEXT, title="T", note="n") == framed(TEXT, "T", "n")


def test_markdown_that_is_too_large_is_refused_with_what_to_do() -> None:
    with pytest.raises(TooLargeError, match="divide it"):
        page("x" * (MARKDOWN_BYTES + 1))


def test_a_page_that_takes_too_long_is_given_up_and_its_process_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(PageError, match="took too long; divide it"):
        page("![" * 500_000, seconds=0.5)
    assert time.monotonic() - begun < 10


def test_only_so_many_pages_are_made_at_once_and_the_next_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_ROOM", threading.BoundedSemaphore(1))
    with process._ROOM, pytest.raises(PageError, match="try again"):
        page("# T\n", seconds=0.01)
    assert page("# T\n").startswith(b"<!doctype html>")


def test_a_page_that_nobody_waits_for_any_more_is_given_up_and_its_process_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "pid"
    monkeypatch.setattr(
        process,
        "_BOOT",
        f"import os, time; open({str(place)!r}, 'w').write(str(os.getpid())); time.sleep(600)",
    )
    stopped = threading.Event()
    outcome: list[str] = []

    def make() -> None:
        try:
            page("# T\n", stopped=stopped)
        except PageError as error:
            outcome.append(str(error))

    making = threading.Thread(target=make, daemon=True)
    making.start()
    deadline = time.monotonic() + 30
    while not (place.exists() and place.read_text()) and time.monotonic() < deadline:
        making.join(0.02)
    stopped.set()
    making.join(30)
    assert outcome == ["no page could be made of the document: nobody waits for it any more"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


def test_a_page_that_needs_too_much_memory_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BOOT", process._BOOT.replace("; main()", "; bytearray(2 << 30)"))
    small = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); "
    monkeypatch.setattr(process, "_BOOT", small + process._BOOT)
    with pytest.raises(PageError, match="too much memory"):
        page("# T\n")


def test_the_process_sees_nothing_of_the_servers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    look = "import os, sys; sys.stdout.write(' '.join(sorted(os.environ)))"
    monkeypatch.setattr(process, "_BOOT", look)
    seen = page("# T\n").decode().split()
    assert set(seen) <= {"LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONUTF8"}
