"""Why a model did not do it, in words that are safe to show: never what a vendor wrote, never a key."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Protocol


class Headers(Protocol):
    """What is needed of response headers."""

    def get(self, name: str, default: str = "") -> str:
        """The header's value, or the default."""


class NoHeaders:
    """The headers of an answer that had none."""

    def get(self, name: str, default: str = "") -> str:  # noqa: ARG002 - the protocol's signature
        """The default."""
        return default


class ModelError(Exception):
    """One attempt that brought no section; `str()` says why.

    `repeatable` means that the same model may do it after a pause; `retry_after_s` is the pause that the
    vendor asked for. `blames_provider` counts towards its breaker. `billed` means that tokens may have been
    taken although none were reported.
    """

    def __init__(
        self,
        reason: str,
        *,
        repeatable: bool = False,
        retry_after_s: float | None = None,
        blames_provider: bool = True,
        billed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.repeatable = repeatable
        self.retry_after_s = retry_after_s
        self.blames_provider = blames_provider
        self.billed = billed


@dataclass(frozen=True, slots=True)
class _Meaning:
    reason: str
    repeatable: bool = False
    blames_provider: bool = True


_MEANINGS = {
    400: _Meaning("it refused the request (400)", blames_provider=False),
    401: _Meaning("it does not accept the key (401)"),
    402: _Meaning("its account cannot pay (402)"),
    403: _Meaning("the key may not use it (403)"),
    404: _Meaning("it has no such model (404)", blames_provider=False),
    408: _Meaning("it timed out (408)", repeatable=True),
    409: _Meaning("it is busy (409)", repeatable=True),
    413: _Meaning("the section is too long for it (413)", blames_provider=False),
    429: _Meaning("rate limited (429)", repeatable=True),
    529: _Meaning("overloaded (529)", repeatable=True),
}


def refused_by_status(status: int, headers: Headers) -> ModelError:
    """What an HTTP status instead of an answer means."""
    if headers.get("x-squid-error", ""):
        return ModelError("the egress proxy does not let it through")
    meaning = _MEANINGS.get(status)
    if meaning is None and status >= 500:
        meaning = _Meaning(f"it failed ({status})", repeatable=True)
    if meaning is None:
        meaning = _Meaning(f"it answered with status {status}")
    return ModelError(
        meaning.reason,
        repeatable=meaning.repeatable,
        retry_after_s=retry_after_s(headers) if meaning.repeatable else None,
        blames_provider=meaning.blames_provider,
    )


def retry_after_s(headers: Headers) -> float | None:
    """Seconds that `Retry-After` (a number or a date) or `retry-after-ms` asks to wait; None without."""
    try:
        if text := headers.get("retry-after-ms", ""):
            return _sane(float(text) / 1000)
        if text := headers.get("retry-after", ""):
            return _sane(float(text) if text.strip()[:1].isdigit() else _until(text))
    except (ValueError, OverflowError):
        pass
    return None


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time()


def _sane(seconds: float) -> float | None:
    """Between nothing and a day; what is no number says nothing."""
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else None
