"""Marks around generated sections: which text is ours, and whether people changed it since.

Theory of operation. A generated section stands between two HTML comments, which no reader sees:

    <!-- docgen:begin layout text=0c5f… facts=91aa… -->
    ## Layout
    …
    <!-- docgen:end layout 0c5f… -->

`text` is the hash of what was generated: if the text between the marks has another one, people edited it.
`facts` is the hash of the draft that was worded: if the draft has another one now, the section is out of
date. The end repeats the hash of the text, so that no text can contain its own end. Everything outside the
marks is people's. A last comment names the kind and the sections that there were, so that a section which
people removed does not come back. The document needs nothing but itself for all this: it can be moved,
committed and updated elsewhere.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_BEGIN = re.compile(r"^<!-- docgen:begin ([a-z0-9-]{1,120}) text=([0-9a-f]{16}) facts=([0-9a-f]{16}) -->\s*$")
_DOCUMENT = re.compile(
    r"^<!-- docgen:document kind=([a-z0-9-]{1,80}) sections=([a-z0-9,-]{0,200000}) -->\s*$"
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A generated section as it stands in a document; hashes are those of its marks."""

    id: str
    text: str
    text_hash: str
    facts_hash: str

    @property
    def edited(self) -> bool:
        """Whether people changed the text since it was generated."""
        return digest(self.text) != self.text_hash


@dataclass(frozen=True, slots=True)
class MarkedDocument:
    """A document as it stands: generated sections and, as plain text, what people wrote between them.

    `kind` is "" and `sections` empty when nothing in it was generated.
    """

    kind: str
    sections: tuple[str, ...]
    parts: tuple[Marked | str, ...]

    @property
    def marked(self) -> dict[str, Marked]:
        """The generated sections by id."""
        return {part.id: part for part in self.parts if isinstance(part, Marked)}

    @property
    def people_wrote(self) -> str:
        """What would be lost by making it anew, in words; "" when nothing would."""
        edited = [part.id for part in self.parts if isinstance(part, Marked) and part.edited]
        said = [f"section{'s' if edited[1:] else ''} {', '.join(edited)}"] if edited else []
        if any(isinstance(part, str) and part.strip() for part in self.parts):
            said.append("text between sections" if self.kind else "all of it")
        return " and ".join(said)


def digest(text: str) -> str:
    """Hash of `text` for a mark; blanks at line ends, which editors trim, do not count."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def read_marks(content: str) -> MarkedDocument:
    """The parts of a document. A section whose end is missing is people's text, its beginning included."""
    lines = content.replace("\r\n", "\n").split("\n")
    ends = {line.rstrip(): number for number, line in enumerate(lines) if line.startswith("<!-- docgen:end ")}
    parts: list[Marked | str] = []
    free: list[str] = []
    kind, at = "", 0
    sections: tuple[str, ...] = ()
    while at < len(lines):
        begin = _BEGIN.match(lines[at])
        end = ends.get(f"<!-- docgen:end {begin[1]} {begin[2]} -->", -1) if begin else -1
        if begin and end > at:
            parts += ["\n".join(free), Marked(begin[1], "\n".join(lines[at + 1 : end]), begin[2], begin[3])]
            free = []
            at = end
        elif found := _DOCUMENT.match(lines[at]):
            kind, sections = found[1], tuple(name for name in found[2].split(",") if name)
        else:
            free.append(lines[at])
        at += 1
    parts.append("\n".join(free))
    kept = tuple(part for part in parts if isinstance(part, Marked) or part.strip())
    return MarkedDocument(kind, sections, kept)


def mark(id: str, text: str, facts_hash: str) -> Marked:  # noqa: A002 - what it is called everywhere
    """A section just generated."""
    return Marked(id, text.strip("\n"), digest(text), facts_hash)


def write_marks(kind: str, sections: Iterable[str], parts: Iterable[Marked | str]) -> str:
    """The text of a document, with marks."""
    pieces = [
        f"<!-- docgen:begin {part.id} text={part.text_hash} facts={part.facts_hash} -->\n"
        f"{part.text}\n<!-- docgen:end {part.id} {part.text_hash} -->"
        if isinstance(part, Marked)
        else part.strip("\n")
        for part in parts
    ]
    return (
        "\n\n".join([*pieces, f"<!-- docgen:document kind={kind} sections={','.join(sections)} -->"]) + "\n"
    )


def without_marks(content: str) -> str:
    """The document as it is read: nothing but its text."""
    parts = read_marks(content).parts
    return "\n\n".join((part.text if isinstance(part, Marked) else part).strip("\n") for part in parts) + "\n"
