"""`docgenctl generate --watch`: make a document again whenever the files that it is about change.

Theory of operation. A thread listens to what happens in the servers and puts it into a queue; the caller's
thread waits for a change, then for a moment without one (an editor writes several files), and updates the
document. Only sections whose sources changed are written. What is written below the output folder is our own
doing and starts nothing.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.generate import (
    Asker,
    Document,
    GenerationFailedError,
    Section,
    Wanted,
    generate_document,
)
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.event_listener import EventListener
from docgenctl.model.errors import DocgenError, NotHealthyError

#: This long without a change before the document is made again, in seconds.
QUIET_S = 0.3
#: No longer than this is waited for such a pause: something may write all the time.
LONGEST_S = 5.0
#: Between two attempts to listen again.
PAUSE_S = 1.0
#: What passes while a stack is restarted or changed.
_PASSING = {"unreachable", "connection_closed", "timed_out", "upstream_down"}
_FILES = {"file.changed", "file.written", "file.moved", "file.deleted", "events.missed"}


def watch_document(
    opened: OpenProject,
    wanted: Wanted,
    on_section: Callable[[Section], None],
    asker: Asker,
    on_pause: Callable[[DocgenError], None],
) -> Iterator[Document]:
    """The document now, and again each time after files of the workspace changed; without end.

    `on_pause` is told when the stack cannot be reached for a while, or could not make it again. Raises as
    `generate_document` does for the first one, and NotHealthyError when listening is refused.
    """
    listener = EventListener(find_endpoint(opened))
    happened: queue.Queue[str | NotHealthyError] = queue.Queue()
    ended = threading.Event()
    inside = f"{opened.configuration.settings.workspace.output.strip('/')}/"
    thread = threading.Thread(target=_listen, args=(listener, happened, inside, ended), daemon=True)
    thread.start()
    try:
        yield generate_document(opened, wanted, on_section, asker)
        again = replace(wanted, update=True)
        while True:
            told = happened.get()
            if isinstance(told, NotHealthyError):
                if told.code not in _PASSING:
                    raise told
                on_pause(told)
                continue
            _wait_for_quiet(happened)
            try:
                yield generate_document(opened, again, on_section, asker)
            except GenerationFailedError as error:  # the next change may mend it
                on_pause(error)
            except NotHealthyError as error:
                if error.code not in _PASSING:
                    raise
                on_pause(error)
    finally:
        ended.set()  # the connection is the thread's own, which ends with the process at the latest


def _wait_for_quiet(happened: "queue.Queue[str | NotHealthyError]") -> None:
    latest = time.monotonic() + LONGEST_S
    while (left_s := latest - time.monotonic()) > 0:
        try:
            told = happened.get(timeout=min(QUIET_S, left_s))
        except queue.Empty:
            return
        if isinstance(told, NotHealthyError) and told.code not in _PASSING:
            raise told  # nobody listens any more, so nothing else would ever come


def _listen(
    listener: EventListener,
    happened: "queue.Queue[str | NotHealthyError]",
    inside: str,
    ended: threading.Event,
) -> None:
    """Put the paths that change into the queue until `ended`; a failure too, after which it goes on."""
    while not ended.is_set():
        try:
            for event in listener:
                path = str(event.data.get("path", ""))
                if event.type in _FILES and not path.startswith(inside):
                    happened.put(path)
                if ended.is_set():
                    break
        except NotHealthyError as error:
            happened.put(error)
            if error.code not in _PASSING:
                return
        ended.wait(PAUSE_S)
    listener.close()
