"""The process that makes one page, as seen from the server: begun for it, and killed when it is late."""

import json
import os
import subprocess
import sys
import threading
import time

import structlog

from docgen_main.html.limits import AT_ONCE, PAGE_SECONDS, PageError, check_size

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from docgen_main.html.worker import main; main()"
#: Callers that go away do not end the making of their page, so the processes themselves are counted.
_ROOM = threading.BoundedSemaphore(AT_ONCE)
_LOOK_SECONDS = 0.1
_ADVICE = "divide it, or read it as Markdown"
_log = structlog.stdlib.get_logger("docgen.documents")


def page(
    markdown: str,
    *,
    title: str = "",
    note: str = "",
    seconds: float = PAGE_SECONDS,
    stopped: threading.Event | None = None,
) -> bytes:
    """One self-contained HTML page of `markdown`, as UTF-8. Blocks, so call it in a thread.

    `title` is the page's title, by default the first heading. `note` is a line of plain text at its end, such
    as what it was made of. Markdown is data: raw HTML in it is shown as text (comments are left out), links
    lead nowhere but to the web, mail and places beside the page, and pictures are not fetched.
    Raises `TooLargeError` for Markdown of more than `MARKDOWN_BYTES`, else `PageError` when making the page
    took longer than `seconds`, with the wait for others that are being made, or needed too much memory, or
    soon after `stopped` is set.
    """
    check_size(markdown)
    request = json.dumps({"markdown": markdown, "title": title, "note": note}).encode()
    wait = _Wait(seconds, stopped or threading.Event())
    while not _ROOM.acquire(timeout=_LOOK_SECONDS):
        wait.check("too many others are being made; try again")
    try:
        with _process() as process:
            try:
                made = _answer(process, request, wait)
            finally:
                process.kill()
    finally:
        _ROOM.release()
    if process.returncode != 0:
        raise _failed(f"exit {process.returncode}", f"it needed too much memory or time; {_ADVICE}")
    return made


class _Wait:
    """How long somebody waits for a page."""

    def __init__(self, seconds: float, stopped: threading.Event) -> None:
        self._latest = time.monotonic() + seconds
        self._stopped = stopped

    def check(self, late: str) -> None:
        """Raise `PageError` when nobody waits any more: with what `late` says when the time is over."""
        if self._stopped.is_set():
            raise _failed("stopped", "nobody waits for it any more")
        if time.monotonic() > self._latest:
            raise _failed("late", late)


def _process() -> "subprocess.Popen[bytes]":
    # The dynamic linker may need to be told where Python's own library lies; nothing else is handed on.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOT, *filter(None, sys.path)],
            env=kept,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        why = "its process does not start: processes or memory may be used up"
        raise _failed(type(error).__name__, f"{why}; {_ADVICE}") from None


def _answer(process: "subprocess.Popen[bytes]", request: bytes | None, wait: _Wait) -> bytes:
    while True:
        try:
            made: bytes = process.communicate(request, timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            request = None  # what is left of it is still sent
            wait.check(f"it took too long; {_ADVICE}")
        else:
            return made


def _failed(why: str, said: str) -> PageError:
    _log.warning("page not made", why=why)
    return PageError(f"no page could be made of the document: {said}")
