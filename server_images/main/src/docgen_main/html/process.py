"""The process that makes one page, as seen from the server: begun for it, and killed when it is late."""

import json
import os
import subprocess
import sys
import threading

import structlog

from docgen_main.html.limits import AT_ONCE, PAGE_SECONDS, PageError, check_size

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from docgen_main.html.worker import main; main()"
#: Callers that go away do not end the making of their page, so the processes themselves are counted.
_ROOM = threading.BoundedSemaphore(AT_ONCE)
_log = structlog.stdlib.get_logger("docgen.documents")


def page(markdown: str, *, title: str = "", note: str = "", seconds: float = PAGE_SECONDS) -> bytes:
    """One self-contained HTML page of `markdown`, as UTF-8. Blocks, so call it in a thread.

    `title` is the page's title, by default the first heading. `note` is a line of plain text at its end, such
    as what it was made of. Markdown is data: raw HTML in it is shown as text (comments are left out), links
    lead nowhere but to the web, mail and places beside the page, and pictures are not fetched.
    Raises `TooLargeError` for Markdown of more than `MARKDOWN_BYTES`, else `PageError` when making the page
    took longer than `seconds` or needed too much memory, or when for so long others were being made.
    """
    check_size(markdown)
    if not _ROOM.acquire(timeout=seconds):
        _log.warning("page not made", why="busy")
        raise PageError("no page could be made: too many others are being made; try again")
    try:
        return _made(markdown, title, note, seconds)
    finally:
        _ROOM.release()


def _made(markdown: str, title: str, note: str, seconds: float) -> bytes:
    request = json.dumps({"markdown": markdown, "title": title, "note": note}).encode()
    # The dynamic linker may need to be told where Python's own library lies; nothing else is handed on.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOT, *filter(None, sys.path)],
            input=request,
            env=kept,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed("late", f"it took longer than {seconds:g} seconds") from None
    except OSError as error:
        raise _failed(
            type(error).__name__, "its process does not start: processes or memory may be used up"
        ) from None
    if done.returncode != 0:
        raise _failed(f"exit {done.returncode}", "it needed too much memory or time")
    return done.stdout


def _failed(why: str, said: str) -> PageError:
    _log.warning("page not made", why=why)
    return PageError(f"no page could be made of the document: {said}; divide it, or read it as Markdown")
