"""A rendered template cut into the sections that its `##` headings begin."""

import hashlib
import re
from dataclasses import dataclass

_HEADING = re.compile(r"##[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class FilledSection:
    """A section: an id that stays while its heading does, the heading as plain text, its Markdown.

    What comes before the first `##` heading is the section with id `opening`, titled as the document is.
    """

    id: str
    title: str
    markdown: str


def cut(markdown: str, title: str) -> tuple[FilledSection, ...]:
    """The sections of `markdown`, a document called `title`, in order; blank ones are left out."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in markdown.split("\n"):
        heading = None if fence else _HEADING.fullmatch(line)
        if heading:
            parts.append((_ESCAPE.sub(r"\1", heading[1]), []))
        parts[-1][1].append(line)
        fence = _after(line, fence)
    taken: set[str] = set()
    return tuple(
        FilledSection(
            _unique(_slug(heading) if heading else "opening", taken),
            heading or title,
            "\n".join(lines).strip("\n") + "\n",
        )
        for heading, lines in parts
        if "\n".join(lines).strip()
    )


def _after(line: str, fence: str) -> str:
    """The fence that is open after `line`, when `fence` was before it."""
    found = _FENCE.fullmatch(line)
    if found is None:
        return fence
    ticks, rest = found[1], found[2]
    if not fence:
        return "" if ticks[0] == "`" and "`" in rest else ticks
    closes = ticks[0] == fence[0] and len(ticks) >= len(fence) and not rest.strip()
    return "" if closes else fence


def _slug(heading: str) -> str:
    words = re.findall(r"\w+", heading.lower())
    slug = "-".join(words)
    if slug and slug.isascii() and len(slug) <= 60:
        return slug
    return f"section-{hashlib.sha256(heading.encode()).hexdigest()[:10]}"


def _unique(wanted: str, taken: set[str]) -> str:
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    taken.add(found)
    return found
