"""The search itself: files in order of path, a piece of one at a time, until one of the bounds.

A search that a bound ends says where to go on. What it did not look into although it was asked to is told.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from docgen_main.facts.walk import is_foreign
from docgen_main.search.patterns import Pattern, forget_compiled
from docgen_main.workspace import Entry, Path, Tree, WorkspaceError, display

FILE_BYTES = 4 << 20
LINE_CHARACTERS = 300
#: bytes that are matched in one go: the time of one go is what may come on top of `Query.seconds`
PIECE_BYTES = 16 << 10
_LEFT_OUT_MOST = 50


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: `text` in the lines of files below `start` whose path from there matches `names`.

    Without `text` the files themselves are found. It begins behind (path, line) `after` and ends after `most`
    hits or `seconds`. The folder `documents` is searched whatever it is called.
    """

    start: Path
    text: Pattern | None
    names: Pattern | None
    after: tuple[Path, int]
    most: int
    seconds: float
    documents: Path = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A file, or with `line` (from 1) a line in it, of which `text` is the part around the match."""

    path: Path
    line: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not looked into."""

    path: str
    reason: str


@dataclass(slots=True)
class Found:
    """Hits in order of path and line; `resume` is where to go on when a bound ended the search."""

    hits: list[Hit] = field(default_factory=list)
    files: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    resume: tuple[Path, int] | None = None

    def leave_out(self, path: Path, reason: str) -> None:
        """Note what was not looked into, as long as the list is short."""
        if len(self.left_out) < _LEFT_OUT_MOST:
            self.left_out.append(LeftOut(display(path), reason))


def search(tree: Tree, query: Query, stopped: threading.Event) -> Found:
    """Look for `query` in `tree`; ends early, with what it has, when `stopped` is set."""
    try:
        return _Search(tree, query, stopped).run()
    finally:
        forget_compiled()


class _Search:
    def __init__(self, tree: Tree, query: Query, stopped: threading.Event) -> None:
        self._tree = tree
        self._query = query
        self._stopped = stopped
        self._deadline = time.monotonic() + query.seconds
        self._found = Found()

    def run(self) -> Found:
        last = self._query.after
        for path, entry in self._files(self._query.start):
            if self._ended():
                self._found.resume = last
                break
            if not self._wanted(path):
                continue
            done = self._look_into(path, entry)
            if done is not None:
                self._found.resume = (path, done)
                break
            last = (path, -1)
        return self._found

    def _ended(self) -> bool:
        full = len(self._found.hits) >= self._query.most
        return full or self._stopped.is_set() or time.monotonic() > self._deadline

    def _files(self, path: Path) -> Iterator[tuple[Path, Entry]]:
        """Files at or below directory `path`, in order of path, from where the query begins."""
        try:
            entries = self._tree.entries(path)
        except WorkspaceError as error:
            if path == self._query.start:
                raise
            self._found.leave_out(path, error.rule)
            return
        after = self._query.after[0]
        for entry in entries:
            here = (*path, entry.name)
            if here < after[: len(here)]:
                continue
            if entry.kind == "file":
                yield here, entry
            elif entry.kind == "directory":
                if is_foreign(entry.name) and here != self._query.documents[: len(here)]:
                    self._found.leave_out(here, "installed, built or cached; search in it by its path")
                else:
                    yield from self._files(here)

    def _wanted(self, path: Path) -> bool:
        after, line = self._query.after
        if path == after and line < 0:
            return False
        if self._query.names is None:
            return True
        relative = "/".join(path[len(self._query.start) :])
        return self._query.names.search(relative.encode("utf-8", "surrogateescape")) is not None

    def _look_into(self, path: Path, entry: Entry) -> int | None:
        """Find hits in the file; None when all of it was looked at, else the last line that was."""
        if self._query.text is None:
            self._found.hits.append(Hit(path))
            self._found.files += 1
            return None
        if entry.size > FILE_BYTES:
            self._found.leave_out(path, f"bigger than {FILE_BYTES} bytes")
            return None
        try:
            content = self._tree.read(path, limit=FILE_BYTES)
        except WorkspaceError as error:
            self._found.leave_out(path, error.rule)
            return None
        if b"\0" in content[:8192]:
            return None
        self._found.files += 1
        after, line = self._query.after
        return self._match_lines(path, content, line if path == after else 0)

    def _match_lines(self, path: Path, content: bytes, after_line: int) -> int | None:
        line = 1
        for begin, end in _pieces(content):
            if self._ended():
                return line - 1
            for number, text in self._lines_of_piece(content, begin, end, line):
                if number <= after_line:
                    continue
                if len(self._found.hits) >= self._query.most:
                    return number - 1
                self._found.hits.append(Hit(path, number, text))
            line += content.count(b"\n", begin, end)
        return None

    def _lines_of_piece(self, content: bytes, begin: int, end: int, line: int) -> Iterator[tuple[int, str]]:
        """Number and text of each line of the piece that matches, one match for a line."""
        assert self._query.text is not None  # noqa: S101 - what `_look_into` asked
        place, counted = begin, begin
        while place < end and (match := self._query.text.search(content, place, end)) is not None:
            start = content.rfind(b"\n", begin, match.start()) + 1 or begin
            stop = content.find(b"\n", match.start(), end)
            stop = end if stop < 0 else stop
            line += content.count(b"\n", counted, start)
            yield line, _shown(content[start:stop], match.start() - start)
            counted, place = start, stop + 1


def _pieces(content: bytes) -> Iterator[tuple[int, int]]:
    """Whole lines, as many as fit into a piece; a line longer than that is cut."""
    begin = 0
    while begin < len(content):
        end = min(begin + PIECE_BYTES, len(content))
        if end < len(content):
            end = content.rfind(b"\n", begin, end) + 1 or end
        yield begin, end
        begin = end


def _shown(line: bytes, at: int) -> str:
    """The line without surrounding blanks; of a long one the part around byte `at`."""
    if len(line) > LINE_CHARACTERS:
        line = line[max(0, at - LINE_CHARACTERS // 3) :][:LINE_CHARACTERS]
    return display(line.decode(errors="replace").strip().replace("\t", " "))
