"""Patterns of names: ``*`` stands for any characters, ``?`` for any one; everything else for itself."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_GLOB = re.compile(r"[^\[\]\s\x00-\x1f\x7f]{1,256}")


def is_glob(text: str) -> bool:
    """Whether this can be a pattern; brackets mean nothing here and would to others, so they are none."""
    return bool(_GLOB.fullmatch(text))


@dataclass(frozen=True)
class Globs:
    """Some patterns, of which one has to match the whole name. Compared by the patterns."""

    patterns: tuple[str, ...]

    @property
    def everything(self) -> bool:
        """Whether there is no name that does not match."""
        return "*" in self.patterns

    def match(self, name: str) -> bool:
        """Whether ``name`` matches any of the patterns."""
        return self.everything or bool(self._expression.match(name))

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        # With no pattern at all: a look-ahead that nothing satisfies.
        return re.compile("|".join(map(fnmatch.translate, self.patterns)) or r"(?!)")


EVERYTHING = Globs(("*",))
NOTHING = Globs(())


@dataclass(frozen=True)
class Filter:
    """Which names pass: those that ``allow`` matches, without those that ``deny`` does."""

    allow: Globs = EVERYTHING
    deny: Globs = NOTHING

    def passes(self, name: str) -> bool:
        """Whether this name does."""
        return self.allow.match(name) and not self.deny.match(name)

    def unmatched(self, names: Iterable[str]) -> tuple[str, ...]:
        """The patterns that match none of ``names``: ``allow/x``, ``deny/slow_*``."""
        patterns = [("allow", glob) for glob in self.allow.patterns if glob != "*"]
        patterns += [("deny", glob) for glob in self.deny.patterns]
        known = tuple(names)
        return tuple(f"{kind}/{glob}" for kind, glob in patterns if not any(map(Globs((glob,)).match, known)))


UNFILTERED = Filter()
