"""Syntax trees by tree-sitter, bounded in time and size, and what every language reads from them alike.

Grammars recover from errors: the outline of a file that does not compile has the names around the error. A
file can be made so that recovery takes minutes and gigabytes; the parser is asked to stop by then. Trees are
never walked to their full depth, only down known fields of declarations.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from docgen_main.facts.outline.comments import comment_above

if TYPE_CHECKING:  # the parser and its grammars are loaded when the first file is read
    from tree_sitter import Language, Node

_SOURCE_BYTES = 256 << 10
_SECONDS = 1.0
_CHUNK = 64 << 10
#: signs that open type arguments, in one statement: beyond, recovery takes long without asking for the time
_OPENINGS = 2_000
_STATEMENT = re.compile(r"[;{}]")
_SIGNATURE = 400


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file: its bytes, its lines and the root of its tree."""

    content: bytes
    lines: list[str]
    root: "Node"

    def text(self, node: "Node | None") -> str:
        """What stands in the source for `node`, or "" for None."""
        return "" if node is None else self.content[node.start_byte : node.end_byte].decode(errors="replace")

    def head(self, node: "Node", end: int = 0) -> str:
        """A signature: `node` up to the byte `end` (by default its own), without comments, on one line."""
        end = end or node.end_byte
        pieces, position = [], node.start_byte
        for comment in _comments(node, end):
            pieces.append(self.content[position : comment.start_byte])
            position = comment.end_byte
        pieces.append(self.content[position:end])
        return one_line(b" ".join(pieces).decode(errors="replace"))

    def flat(self, node: "Node") -> str:
        """`node` as it stands in a head: without comments, on one line, cut alike."""
        return self.head(node)

    def doc(self, node: "Node", marker: str = "//") -> str:
        """The comment right above `node`."""
        return comment_above(self.lines, node.start_point.row, marker)


def parse(text: str, package: str, grammar: str = "language") -> Source | None:
    """The tree of `text` in a grammar of `package`; None when it is too big or takes too long."""
    content = text.encode()
    if len(content) > _SOURCE_BYTES or max(map(_openings, _STATEMENT.split(text))) > _OPENINGS:
        return None
    from tree_sitter import Parser

    deadline = time.monotonic() + _SECONDS
    try:
        tree = Parser(_language(package, grammar)).parse(
            lambda offset, _: content[offset : offset + _CHUNK],
            progress_callback=lambda *_: time.monotonic() > deadline,
        )
    except ValueError:  # stopped by the deadline
        return None
    return Source(content, text.splitlines(), tree.root_node)


def _openings(statement: str) -> int:
    return statement.count("<")


@cache
def _language(package: str, grammar: str) -> "Language":
    from tree_sitter import Language

    return Language(getattr(import_module(package), grammar)())


def _comments(node: "Node", end: int) -> Iterator["Node"]:
    """Comments within `node` that begin before the byte `end`, in order."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.start_byte >= end:
            continue
        if here.type.endswith("comment"):
            yield here
        else:
            waiting.extend(reversed(here.children))


def children(node: "Node | None", *types: str) -> Iterator["Node"]:
    """The named children of `node`, those of `types` when any are given."""
    if node is not None:
        yield from (child for child in node.named_children if not types or child.type in types)


def before(body: "Node | None") -> int:
    """Where a head ends that is followed by `body`: 0, the end of the declaration, without one."""
    return body.start_byte if body is not None else 0


def one_line(text: str, most: int = _SIGNATURE) -> str:
    """`text` with all white space as single blanks, cut between two names at `most` characters."""
    line = " ".join(text.split()).replace("( ", "(").replace(", )", ")").replace(" )", ")")
    line = line.rstrip(" ;,")
    return line if len(line) <= most else re.sub(r"\w+$", "", line[: most - 1]) + "…"
