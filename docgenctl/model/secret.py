"""A value that must never be printed."""

import hmac
from typing import NoReturn


class Secret:
    """Wraps secret bytes or text so that printing, logging or pickling it gives nothing away.

    The value leaves only through `reveal()` (text) or `reveal_bytes()`, so each use can be found by name.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> str:
        """The value as text (UTF-8). Raises UnicodeDecodeError for binary secrets."""
        return self._value.decode()

    def reveal_bytes(self) -> bytes:
        """The value as bytes."""
        return self._value

    def __repr__(self) -> str:
        return "[redacted]"

    def __format__(self, spec: str) -> str:
        return format("[redacted]", spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    # A hash would be a fingerprint that ends up in dictionaries and debuggers.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
