"""How actions tell what they are doing, without knowing who listens."""

from typing import Protocol


class Reporter(Protocol):
    """Receives progress. Implementations must be safe to call from several threads."""

    def begin(self, topic: str, subject: str, text: str) -> None:
        """A piece of work starts: topic is `image`, `container`, `network`…, subject its name."""

    def advance(self, topic: str, subject: str, text: str) -> None:
        """The piece of work goes on; `text` replaces what was shown for it."""

    def done(self, topic: str, subject: str, text: str) -> None:
        """The piece of work is finished."""

    def failed(self, topic: str, subject: str, text: str) -> None:
        """The piece of work failed; an error follows by other means."""

    def say(self, text: str) -> None:
        """A sentence for the user that belongs to no piece of work."""

    def warn(self, text: str) -> None:
        """Something the user should know and may want to change."""


class Silent:
    """A reporter that says nothing."""

    def begin(self, topic: str, subject: str, text: str) -> None:
        """Say nothing."""

    def advance(self, topic: str, subject: str, text: str) -> None:
        """Say nothing."""

    def done(self, topic: str, subject: str, text: str) -> None:
        """Say nothing."""

    def failed(self, topic: str, subject: str, text: str) -> None:
        """Say nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing."""
