"""Patterns from clients, as automata of RE2: their time grows with the text, never exponentially.

The price is that look-around and references back do not exist. A pattern's length and the memory of its
automaton are bounded too, because time is the length of the text times the size of the automaton at worst.
"""

from typing import Any, Protocol

import re2

PATTERN_CHARACTERS = 1_000
_AUTOMATON_BYTES = 1 << 20


class PatternError(ValueError):
    """A pattern that cannot be used; `str()` is safe to show."""


class Pattern(Protocol):
    """What a search needs of a compiled pattern."""

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Any:
        """The first match from byte `pos` on, with `start()`, or None."""


def literal(text: str, *, ignore_case: bool = False) -> Pattern:
    """Lines that hold `text` as it stands."""
    return _compiled(text, ignore_case=ignore_case, as_it_stands=True)


def regex(text: str, *, ignore_case: bool = False) -> Pattern:
    """Lines that match `text` in RE2's syntax; `^` and `$` are the ends of a line, no match spans two."""
    return _compiled("(?m)" + text, ignore_case=ignore_case)


def glob(text: str) -> Pattern:
    """Paths that match `text`: `*` and `?` within a name, `**` over directories, `[a-z]`, `{a,b}`.

    Without a `/` it is about the name alone, in whatever directory.
    """
    prefix = "" if "/" in text else "(?:.*/)?"
    return _compiled(rf"\A{prefix}{_translated(text.removeprefix('/'))}\z", ignore_case=False)


def forget_compiled() -> None:
    """Give back the automata that RE2's binding keeps; call it when a search ends."""
    re2.purge()


def _compiled(text: str, *, ignore_case: bool, as_it_stands: bool = False) -> Pattern:
    if len(text) > PATTERN_CHARACTERS:
        raise PatternError(f"the pattern is longer than {PATTERN_CHARACTERS} characters")
    if "\n" in text or "\0" in text:
        raise PatternError("the pattern is about one line: it cannot contain a line break or NUL")
    options = re2.Options()
    options.max_mem = _AUTOMATON_BYTES
    options.log_errors = False
    options.never_nl = True
    options.literal = as_it_stands
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(text.encode(), options)  # type: ignore[no-any-return]
    except re2.error as error:
        raise PatternError(f"the pattern cannot be used: {_said(error)}") from None
    except UnicodeEncodeError:
        raise PatternError("the pattern must be valid Unicode") from None


def _said(error: Exception) -> str:
    raw = error.args[0] if error.args else b""
    said = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    if "perl operator" in said or said.startswith("invalid escape sequence"):
        said += " (look-around and references back are not offered)"
    return said.replace("\n", " ")[:300]


def _translated(text: str) -> str:
    parts: list[str] = []
    open_braces, place = 0, 0
    while place < len(text):
        part, width = _next_part(text, place, inside=open_braces > 0)
        open_braces += (part == "(?:") - (part == ")")
        parts.append(part)
        place += width
    if open_braces:
        raise PatternError("the glob has a { without its }")
    return "".join(parts)


def _next_part(text: str, place: int, *, inside: bool) -> tuple[str, int]:
    """The regular expression of what stands at `place`, and how many characters of the glob it takes."""
    rest = text[place:]
    for token, part in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]"), ("{", "(?:")):
        if rest.startswith(token):
            return part, len(token)
    if inside and rest[0] in ",}":
        return ("|" if rest[0] == "," else ")"), 1
    if rest[0] == "[" and (end := rest.find("]", 2)) > 0:
        return _character_class(rest[1:end]), end + 1
    return _quoted(rest[0]), 1


def _character_class(content: str) -> str:
    negated = content.startswith(("!", "^"))
    inner = "".join(c if c == "-" else _quoted(c) for c in content[negated:])
    return f"[^/{inner}]" if negated else f"[{inner}]"


def _quoted(character: str) -> str:
    return character if character.isalnum() or character == "_" or ord(character) > 127 else "\\" + character
