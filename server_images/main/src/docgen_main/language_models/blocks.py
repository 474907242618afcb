"""A draft taken apart: prose that may be worded anew, and blocks that stay as they are.

Headings, tables, fenced code, HTML comments and raw HTML are blocks: a model sees a placeholder for each. So
it cannot change a diagram, lose a table's row, or add a heading, and long reference sections cost little.
"""

import re
import secrets
from dataclasses import dataclass

from docgen_main.language_models.failures import ModelError

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")


@dataclass(frozen=True, slots=True)
class Draft:
    """`head` comes before everything (the section's own heading), `text` is what the model sees."""

    head: str
    text: str
    blocks: tuple[tuple[str, str], ...]
    has_headings: bool

    @property
    def prose(self) -> str:
        """What is left for a model to word."""
        marks = {mark for mark, _ in self.blocks}
        return "\n".join(line for line in self.text.splitlines() if line not in marks).strip()


def take_apart(markdown: str) -> Draft:
    """The draft of this section."""
    nonce = secrets.token_hex(4)
    parts = _parts(markdown.strip("\n").splitlines())
    head = parts.pop(0)[1] if parts and parts[0][0] == "heading" else ""
    blocks: list[tuple[str, str]] = []
    shown: list[str] = []
    for kind, text in parts:
        if kind == "prose":
            shown.append(text)
        else:
            blocks.append((f"[[block-{nonce}-{len(blocks) + 1}]]", text))
            shown += ["", blocks[-1][0], ""]
    return Draft(head, _words(shown), tuple(blocks), any(kind == "heading" for kind, _ in parts))


def put_together(draft: Draft, prose: str) -> str:
    """The section's Markdown with these words.

    Raises `ModelError` when blocks were lost or moved where that would change what a heading stands over.
    Elsewhere a lost block comes last.
    """
    order = [line.strip() for line in prose.splitlines() if line.strip() in dict(draft.blocks)]
    wanted = [mark for mark, _ in draft.blocks]
    if draft.has_headings and order != wanted:
        raise ModelError("it did not keep the section's parts", blames_provider=False)
    blocks, waiting = dict(draft.blocks), list(wanted)
    parts, words = [draft.head], list[str]()
    for line in prose.splitlines():
        mark = line.strip()
        if mark not in blocks:
            words.append(line)
        elif mark in waiting:
            waiting.remove(mark)
            parts += [_words(words), blocks[mark]]
            words = []
    parts += [_words(words), *(blocks[mark] for mark in waiting)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _words(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _parts(lines: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(lines):
        kind, end = _part_at(lines, position)
        text = "\n".join(lines[position:end])
        if kind == "prose" and found and found[-1][0] == "prose":
            found[-1] = ("prose", f"{found[-1][1]}\n{text}")
        elif text.strip() or kind != "prose" or found:
            found.append((kind, text))
        position = end
    return found


def _part_at(lines: list[str], start: int) -> tuple[str, int]:
    line = lines[start]
    if fence := _FENCE.match(line):
        return "kept", _end_of_fence(lines, start, fence[1])
    if line.lstrip().startswith("<"):
        return "kept", _end_of_html(lines, start)
    if _HEADING.match(line):
        return "heading", start + 1
    if _is_row(line) and start + 1 < len(lines) and re.fullmatch(r"[\s|:-]+", lines[start + 1]):
        end = start + 2
        while end < len(lines) and _is_row(lines[end]):
            end += 1
        return "kept", end
    return "prose", start + 1


def _is_row(line: str) -> bool:
    return "|" in line and bool(line.strip())


def _end_of_fence(lines: list[str], start: int, fence: str) -> int:
    for position in range(start + 1, len(lines)):
        bare = lines[position].strip()
        if len(bare) >= len(fence) and not bare.strip(fence[0]):
            return position + 1
    return len(lines)


def _end_of_html(lines: list[str], start: int) -> int:
    closing = "-->" if lines[start].lstrip().startswith("<!--") else ""
    for position in range(start, len(lines)):
        if closing and closing in lines[position]:
            return position + 1
        if not closing and not lines[position].strip():
            return position
    return len(lines)
