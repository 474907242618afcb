"""Progress as people see it: plain lines for logs, a live list for terminals."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TextIO

from docgenctl.cli.plain_text import printable

_TICK, _CROSS, _BULLET = "✔", "✘", "·"


class PlainReporter:
    """One line when a piece of work is done or fails, and every few seconds while a long one goes on."""

    def __init__(self, stream: TextIO, *, quiet: bool, every_s: float = 5.0) -> None:
        self._stream = stream
        self._quiet = quiet
        self._every_s = every_s
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], float] = {}

    def begin(self, topic: str, subject: str, text: str) -> None:
        """Say it once for images, which take long; the rest is told when done."""
        self._last[topic, subject] = time.monotonic()
        if topic == "image":
            self._print(f"{_BULLET} {topic} {subject}: {text}")

    def advance(self, topic: str, subject: str, text: str) -> None:
        """At most one line every few seconds for each piece of work."""
        now = time.monotonic()
        if now - self._last.get((topic, subject), 0.0) >= self._every_s:
            self._last[topic, subject] = now
            self._print(f"{_BULLET} {topic} {subject}: {text}")

    def done(self, topic: str, subject: str, text: str) -> None:
        """One line; volumes and networks are not worth one."""
        if topic in ("image", "service", "stack"):
            self._print(f"{_TICK} {topic} {subject}: {text}")

    def failed(self, topic: str, subject: str, text: str) -> None:
        """One line; the error itself follows."""
        self._print(f"{_CROSS} {topic} {subject}: {text}")

    def say(self, text: str) -> None:
        """One line."""
        self._print(text)

    def warn(self, text: str) -> None:
        """One line."""
        self._print(f"Warning: {text}")

    def _print(self, text: str) -> None:
        if self._quiet:
            return
        with self._lock, suppress(OSError):  # who follows the progress may leave; the work goes on
            print(printable(text, self._stream), file=self._stream, flush=True)


class TerminalReporter:
    """A live list of what is being worked on; finished images and services stay as lines above it."""

    def __init__(self, stream: TextIO, *, colours: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream, no_color=not colours, highlight=False)
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], tuple[str, float]] = {}
        self._live = Live(
            console=self._console, refresh_per_second=10, transient=True, get_renderable=self._draw
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def begin(self, topic: str, subject: str, text: str) -> None:
        """Show it in the list."""
        with self._lock:
            self._running[topic, subject] = (text, time.monotonic())

    def advance(self, topic: str, subject: str, text: str) -> None:
        """Replace its text."""
        with self._lock:
            _, since = self._running.get((topic, subject), ("", time.monotonic()))
            self._running[topic, subject] = (text, since)

    def done(self, topic: str, subject: str, text: str) -> None:
        """Take it from the list; keep a line for what people wait for."""
        with self._lock:
            _, since = self._running.pop((topic, subject), ("", time.monotonic()))
        if topic in ("image", "service", "stack"):
            seconds = time.monotonic() - since
            self._keep(
                "green", _TICK, f"{topic} {subject}", f"{text} {seconds:.1f} s" if seconds > 0.1 else text
            )

    def failed(self, topic: str, subject: str, text: str) -> None:
        """Keep a line; the error itself follows."""
        with self._lock:
            self._running.pop((topic, subject), None)
        self._keep("red", _CROSS, f"{topic} {subject}", text)

    def say(self, text: str) -> None:
        """Keep a line."""
        self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Keep a line."""
        self._keep("yellow", "!", "Warning", text)

    def _keep(self, colour: str, sign: str, title: str, text: str) -> None:
        from rich.text import Text

        self._console.print(Text.assemble((f"  {sign} ", colour), (title, "bold"), f"  {text}"))

    def _draw(self) -> Any:
        from rich.text import Text

        with self._lock:
            running = list(self._running.items())
        now = time.monotonic()
        lines = Text()
        for (topic, subject), (text, since) in running[-12:]:
            lines.append(f"  {_BULLET} {topic} {subject}  ", "dim")
            lines.append(f"{text.strip()[:100]}  {now - since:.0f} s\n", "dim")
        return lines
