"""Whether a name may be said: it stands in the draft, or it is one that exists."""

import re
from functools import cached_property

from docgen_main.documents.known_names import KnownNames

_EDGES = "`'\"()[]{}<>,;:!?*"
_TOKEN = re.compile(r"[\w@./\\:+#$-]+")


class Names:
    """Everything that one section may name."""

    def __init__(self, known: KnownNames, draft: str) -> None:
        self._known = known
        self._draft = draft

    def in_draft(self, text: str) -> bool:
        """Whether the draft says exactly this, not as a part of a longer word."""
        at = self._draft.find(text)
        while at >= 0:
            end = at + len(text)
            before, after = self._draft[at - 1 : at], self._draft[end : end + 1]
            if not (_joins(text[:1]) and _joins(before)) and not (_joins(text[-1:]) and _joins(after)):
                return True
            at = self._draft.find(text, at + 1)
        return False

    def path(self, text: str) -> bool:
        """Whether there is such a file or directory, by its whole path or its last name."""
        wanted = text.removeprefix("./").rstrip("/")
        return not wanted or wanted in self._paths or self.in_draft(text)

    def symbol(self, text: str) -> bool:
        """Whether there is such a name, in full or from any of its parts on; arguments do not count."""
        wanted = re.sub(r"\(.*\)$", "", text).removeprefix("@")
        return bool(wanted) and (wanted in self._symbols or self.in_draft(wanted))

    def dependency(self, text: str) -> bool:
        """Whether it is used as a dependency."""
        return text in self._known.dependencies or text.lower() in self._lower_dependencies

    def command(self, text: str) -> bool:
        """Whether this line can be typed, or is the beginning of one that can."""
        wanted = " ".join(text.removeprefix("$").split())
        return wanted in self._commands or self.in_draft(text)

    def begins_command(self, text: str) -> bool:
        """Whether some known line begins with these words."""
        words = text.split()
        return self.in_draft(text) or any(line.split()[: len(words)] == words for line in self._commands)

    def version(self, text: str) -> bool:
        """Whether this version was mentioned or exists, with or without the `v` in front."""
        bare = text.removeprefix("v")
        return (
            bool({bare, f"v{bare}"} & self._known.versions)
            or self.in_draft(bare)
            or self.in_draft(f"v{bare}")
        )

    @cached_property
    def _paths(self) -> frozenset[str]:
        found = set()
        for path in self._known.paths:
            parts = path.strip("/").split("/")
            found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
            found.add(parts[-1])
        return frozenset(found)

    @cached_property
    def _symbols(self) -> frozenset[str]:
        found = set()
        for symbol in self._known.symbols:
            parts = re.split(r"\.|::|#", symbol)
            found |= {".".join(parts[start:]) for start in range(len(parts))}
            found.add(symbol)
        return frozenset(found)

    @cached_property
    def _commands(self) -> frozenset[str]:
        return frozenset(" ".join(line.split()) for line in self._known.commands)

    @cached_property
    def _lower_dependencies(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self._known.dependencies)


def _joins(character: str) -> bool:
    return bool(character) and (character.isalnum() or character == "_")
