"""One map of ``routing.yaml``, read strictly: what is wrong is told with the path of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from docgen_common.errors import SettingsError
from docgen_common.rates import Rate

from docgen_orchestrator.globs import Globs, is_glob

LONGEST_SECONDS = 86_400
Bound = TypeVar("Bound")


class Entry:
    """A map and where it is; every method raises SettingsError for a value that cannot be meant.

    Keys that are in none of ``known`` are mistakes.
    """

    def __init__(self, where: str, value: Any, known: frozenset[str] | None = None) -> None:
        if not isinstance(value, dict):
            raise SettingsError(f"{where}: must be a map")
        self.where = where
        self._value: Mapping[Any, Any] = value
        unknown = sorted(str(key) for key in value if known is not None and key not in known)
        if unknown:
            raise SettingsError(f"{where}: unknown {', '.join(unknown)}")

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it is."""
        return self._value.get(key, default)

    def refuse(self, key: str, reason: str) -> SettingsError:
        """The error about a key."""
        return SettingsError(f"{self._below(key)}: {reason}")

    def entry(self, key: str, known: frozenset[str] | None = None) -> Entry:
        """The map below ``key``; an empty one where there is none."""
        return Entry(self._below(key), self._value.get(key, {}), known)

    def entries(self, key: str, known: frozenset[str]) -> Iterator[tuple[str, Entry]]:
        """The maps below the map ``key``, with their names, in the order of the names."""
        parent = self.entry(key)
        for name in sorted(parent._value, key=str):
            yield str(name), Entry(f"{parent.where}/{name}", parent._value[name], known)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._value.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.refuse(key, "must be text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where there is none."""
        values = self._value.get(key, [])
        if not isinstance(values, list):
            raise self.refuse(key, "must be a list")
        if not all(isinstance(value, str) and value for value in values):
            raise self.refuse(key, "must be a list of texts")
        return tuple(values)

    def globs(self, key: str, default: Globs) -> Globs:
        """A list of patterns."""
        if key not in self._value:
            return default
        patterns = self.texts(key)
        for pattern in patterns:
            self._check_glob(key, pattern)
        return Globs(patterns)

    def seconds(self, key: str, default: float | None = None) -> float:
        """A time, more than nothing and at most a day."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SECONDS:
            raise self.refuse(key, "must be seconds, more than 0")
        return float(value)

    def word(self, key: str, words: Any, default: str) -> Any:
        """One of the words of a ``Literal`` type."""
        value = self._value.get(key, default)
        if value not in get_args(words):
            raise self.refuse(key, f"must be one of {', '.join(get_args(words))}")
        return value

    def names(self, key: str) -> dict[str, str]:
        """A map of texts to texts, in the order written."""
        below = self.entry(key)
        return {str(name): below.text(name) for name in below._value}

    def bounds(self, key: str, read: Callable[[Entry, str], Bound]) -> dict[str, Bound]:
        """A map of patterns to what ``read`` makes of their values, in the order written."""
        below = self.entry(key)
        for pattern in below._value:
            self._check_glob(key, pattern)
        return {pattern: read(below, pattern) for pattern in below._value}

    def rate(self, key: str) -> Rate:
        """A rate, such as ``10/m``."""
        try:
            return Rate.parse(self.text(key))
        except ValueError as error:
            raise self.refuse(key, str(error)) from None

    def _below(self, key: str) -> str:
        """``routing.yaml: servers``, ``routing.yaml: servers/main``."""
        return f"{self.where}{'/' if ': ' in self.where else ': '}{key}"

    def _check_glob(self, key: str, pattern: Any) -> None:
        if not isinstance(pattern, str) or not is_glob(pattern):
            raise self.refuse(key, f"{pattern!r} is not a pattern of names (* and ? are special, [ is not)")
