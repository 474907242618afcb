"""The documents, and the pieces of them that tests look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

#: Everything people read; what the tool itself writes into docs/generated is not ours.
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("decisions/*.md")))

_BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `note` is the comment on the line above it."""

    document: Path
    note: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text.strip().splitlines()[0][:40]}"


def read(name: str) -> str:
    """A document by its name in docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(*, note: str | None = None, language: str | None = None) -> list[Block]:
    """All fenced blocks with that note and language."""
    return [
        block
        for document in DOCUMENTS
        for block in _blocks_of(document)
        if note in (None, block.note) and language in (None, block.language)
    ]


def block(name: str, note: str) -> str:
    """The text of the one block of a document with that note."""
    (found,) = [block for block in _blocks_of(DOCS / name) if block.note == note]
    return found.text


def _blocks_of(document: Path) -> Iterator[Block]:
    for match in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        yield Block(document, match["note"] or "", match["language"], match["text"])


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its rank or a higher one."""
    rank = len(heading) - len(heading.lstrip("#"))
    begin = re.search(rf"^{re.escape(heading)}.*$", text, re.MULTILINE)
    assert begin, heading
    rest = text[begin.end() :]
    end = re.search(rf"^#{{1,{rank}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str) -> list[list[str]]:
    """The rows of the first table in a text, without its head, cells without backticks."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]
