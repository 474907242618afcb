"""Being told to end: Ctrl-C, SIGTERM from a supervisor, SIGHUP from a terminal that closes.

Theory of operation. All three raise the same exception in the main thread, once: `Interrupted`, which is a
KeyboardInterrupt, so that everything that cleans up after one does so after all. Engine calls under way in
other threads come to their end, none is begun, the lock is given back, and the process ends with 128 plus
the signal's number, as shells expect of a program that a signal ended. Whoever asks again does not want to
wait: the process ends at once, and the next command repairs what that leaves, as it does after SIGKILL.

One keystroke may arrive twice, from the terminal and from a parent that passes it on (uvx, make), so a
repetition within half a second is none. A closing terminal hangs up more than once; that never counts.
A signal that our parent had set to be ignored stays ignored: that is what `nohup` and `&` are for.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from docgenctl.cli.console import Console, error_document
from docgenctl.model.errors import HungUpError, InterruptedCommandError, TerminatedError

#: A second signal sooner than this is an echo of the first, in seconds.
ECHO_S = 0.5

_GOES_ON = "docgenctl up, or docgenctl down"
#: What is left and what finishes it, by command. Commands that change nothing end without a word.
_LEFT = {
    "up": ("what was done so far stays", _GOES_ON),
    "start": ("what was started so far runs", _GOES_ON),
    "restart": ("some services may be stopped", "docgenctl start"),
    "deploy": (
        "the new version may be there in part, the last good one is still on record",
        "docgenctl deploy, or docgenctl down",
    ),
    "scale": ("what was done so far stays", "docgenctl up, or docgenctl scale orchestrator=1"),
    "stop": ("some services may still run", "docgenctl stop"),
    "down": ("what was not yet removed is still there", "docgenctl down"),
    "render": ("every file is either the old one or the new one, whole", "docgenctl render"),
    "build": ("images that were finished stay", "docgenctl build"),
}

_ERRORS: dict[int, type[InterruptedCommandError]] = {
    signal.SIGINT: InterruptedCommandError,
    signal.SIGTERM: TerminatedError,
    **({signal.SIGHUP: HungUpError} if hasattr(signal, "SIGHUP") else {}),
}


class Interrupted(KeyboardInterrupt):
    """A signal asked this command to end; its text is the signal's name."""


class Interruption:
    """Listens for the signals while entered; `number` is the one that came, None while none has."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere signals cannot be had
            for number in _ERRORS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _came(self, number: int, _: FrameType | None) -> None:
        if self.number is None:
            self.number, self._since = number, time.monotonic()
            raise Interrupted(signal.Signals(number).name)
        if number in (signal.SIGINT, signal.SIGTERM) and time.monotonic() - self._since > ECHO_S:
            os._exit(128 + number)


def run_interruptibly(
    command: Callable[[], int], explain: Callable[[Exception], int], arguments: Sequence[str]
) -> int:
    """Run the command and return its exit code; `explain` tells of its error and says what code that has.

    128 plus the signal's number when one cut it short; what fails then is a consequence and is not told.
    """
    with Interruption() as interruption:
        try:
            code = command()
        except KeyboardInterrupt:  # before or after what the command line's framework catches
            code = 128 + signal.SIGINT
        except Exception as error:  # noqa: BLE001 - `explain` knows them all
            code = 1 if interruption.number is not None else explain(error)
        if interruption.number is None:
            return code
        with suppress(OSError, ValueError, KeyboardInterrupt):  # the terminal may be gone
            _tell(interruption.number, arguments)
        return 128 + interruption.number


def _tell(number: int, arguments: Sequence[str]) -> None:
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command not in _LEFT:
        return
    left, finishes = _LEFT[command]
    json_mode = "--json" in arguments or "--ci" in arguments
    console = Console(json_mode=json_mode)
    if json_mode:
        console.json(error_document(_ERRORS[number](f"interrupted: {left}", hint=finishes)))
        sys.stdout.flush()
    console.note(f"Interrupted: {left}. To go on or back: {finishes}.")
