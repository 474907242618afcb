"""Bringing new sections into a document that people have worked on."""

from collections.abc import Iterable

from docgen_main.documents.marks import Marked, MarkedDocument


class Merge:
    """The new parts of a document, given the old ones; without old ones simply the sections in order.

    Old text between sections, edited sections and the order that people gave to sections stay. A new section
    goes behind the one it follows in the kind. What people took out stays out.
    """

    def __init__(self, old: MarkedDocument | None) -> None:
        self._old = old.marked if old else {}
        self._removed = set(old.sections) - set(self._old) if old else set()
        self._parts: list[Marked | str] = list(old.parts) if old else []
        self._last: str | None = None
        self._seen: set[str] = set()
        self.sections: list[str] = []
        self.dropped: list[str] = []

    def is_removed(self, id: str) -> bool:  # noqa: A002 - what it is called everywhere
        """Whether people took section `id` out; then it is not to be written."""
        if id not in self._removed:
            return False
        self.sections.append(id)
        self.dropped.append(id)
        return True

    def kept(self, id: str, facts_hash: str) -> Marked | None:  # noqa: A002
        """The old section `id` if it stays: people edited it, or its facts are the same."""
        old = self._old.get(id)
        return old if old and (old.edited or old.facts_hash == facts_hash) else None

    def put(self, section: Marked) -> None:
        """Take in a section, in the kind's order."""
        self.sections.append(section.id)
        self._seen.add(section.id)
        at = self._place_of(section.id)
        if at is not None:
            self._parts[at] = section
        else:
            before = self._place_of(self._last) if self._last else None
            self._parts.insert(0 if before is None else before + 1, section)
        self._last = section.id

    def parts(self) -> list[Marked | str]:
        """All parts, without old sections that have no facts any more and that nobody edited."""
        return [part for part in self._parts if isinstance(part, str) or part.id in self._seen or part.edited]

    @property
    def orphans(self) -> Iterable[Marked]:
        """Edited sections that have no facts any more; they stay."""
        return (
            part
            for part in self._parts
            if isinstance(part, Marked) and part.id not in self._seen and part.edited
        )

    def _place_of(self, id: str) -> int | None:  # noqa: A002
        for at, part in enumerate(self._parts):
            if isinstance(part, Marked) and part.id == id:
                return at
        return None
