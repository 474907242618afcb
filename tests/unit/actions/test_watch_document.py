"""Between changes and the next document: a moment of quiet, but not for ever, and no failure is lost."""

import queue
import threading

import pytest

from docgenctl.actions import watch_document
from docgenctl.model.errors import NotHealthyError

Happened = queue.Queue[str | NotHealthyError]


def test_a_failure_in_the_quiet_that_ends_listening_ends_the_watch() -> None:
    happened: Happened = queue.Queue()
    happened.put("a.py")
    happened.put(NotHealthyError("the key was refused", code="refused"))
    with pytest.raises(NotHealthyError, match="the key was refused"):
        watch_document._wait_for_quiet(happened)


def test_a_failure_that_passes_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_document, "QUIET_S", 0.01)
    happened: Happened = queue.Queue()
    happened.put(NotHealthyError("restarting", code="unreachable"))
    watch_document._wait_for_quiet(happened)
    assert happened.empty()


def test_something_that_writes_all_the_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_document, "QUIET_S", 60.0)
    monkeypatch.setattr(watch_document, "LONGEST_S", 0.05)

    class Endless(Happened):
        def get(self, block: bool = True, timeout: float | None = None) -> str:
            return "log.txt"

    waiting = threading.Thread(target=watch_document._wait_for_quiet, args=(Endless(),), daemon=True)
    waiting.start()
    waiting.join(30)
    assert not waiting.is_alive()
