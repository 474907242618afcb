"""JSON with comments and trailing commas: read, and changed in one member with every other byte kept; pure.

A hand-written scanner gives each member's place in the text. An edit cuts or inserts there. The result is
read again and its values are compared with those wanted, so what was not foreseen is refused, never guessed.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*[\s\S]*?\*/)*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"[-+.A-Za-z0-9_]+")
_DEEPEST = 200
Path = tuple[str, ...]


class JsoncError(ValueError):
    """The text is not what it should be; `line` counts from 1."""

    def __init__(self, text: str, index: int, message: str) -> None:
        super().__init__(message)
        self.line = text.count("\n", 0, index) + 1


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: where its key begins, its value begins and ends, and its comma lies (or -1)."""

    start: int
    value_start: int
    end: int
    comma: int


@dataclass(frozen=True, slots=True)
class Object:
    """An object: the indices of its braces, and its members' paths in order."""

    start: int
    end: int
    members: tuple[Path, ...]


class Document:
    """A text that has been read: `value`, and the places of all members of objects that lie in objects."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.members: dict[Path, Member] = {}
        self.objects: dict[Path, Object] = {}
        self.value: Any = None
        self._at = 0
        self._blank()
        self.empty = self._at == len(text)
        if not self.empty:
            self.value = self._value((), 0)
            self._blank()
            if self._at != len(text):
                raise self._wrong("the document has ended already")

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self._at)
        assert found is not None  # noqa: S101 - it matches nothing, too
        self._at = found.end()

    def _wrong(self, message: str) -> JsoncError:
        return JsoncError(self.text, self._at, message)

    def _take(self, character: str) -> bool:
        if self.text.startswith(character, self._at):
            self._at += 1
            return True
        return False

    def _value(self, path: Path | None, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self._wrong(f"nested more than {_DEEPEST} deep")
        if self._take("{"):
            return self._object(path, depth)
        if self._take("["):
            return self._list(depth)
        if self.text.startswith('"', self._at):
            return self._string()
        return self._word()

    def _object(self, path: Path | None, depth: int) -> dict[str, Any]:
        start, found, members = self._at - 1, {}, []
        self._blank()
        while not self._take("}"):
            begun = self._at
            if not self.text.startswith('"', self._at):
                raise self._wrong("a key in quotes or a } belongs here")
            key = self._string()
            if key in found:
                raise self._wrong(f'"{key}" is there twice')
            self._blank()
            if not self._take(":"):
                raise self._wrong(f'a colon belongs behind "{key}"')
            self._blank()
            below = None if path is None else (*path, key)
            value_start = self._at
            found[key] = self._value(below, depth + 1)
            end = self._at
            comma = self._separator("}")
            if below is not None:
                self.members[below] = Member(begun, value_start, end, comma)
                members.append(below)
        if path is not None:
            self.objects[path] = Object(start, self._at - 1, tuple(members))
        return found

    def _list(self, depth: int) -> list[Any]:
        found = []
        self._blank()
        while not self._take("]"):
            found.append(self._value(None, depth + 1))
            self._separator("]")
        return found

    def _separator(self, closing: str) -> int:
        """Go past a comma and what follows it; the comma's index, -1 when the closing bracket comes."""
        self._blank()
        comma = self._at
        if self._take(","):
            self._blank()
            return comma
        if not self.text.startswith(closing, self._at):
            raise self._wrong(f"a comma or a {closing} belongs here")
        return -1

    def _string(self) -> str:
        found = _STRING.match(self.text, self._at)
        try:
            if found is None:
                raise ValueError
            text = json.loads(found[0])
        except ValueError:
            raise self._wrong("a text that begins here has no end, or is not written as JSON wants") from None
        self._at = found.end()
        return str(text)

    def _word(self) -> Any:
        found = _WORD.match(self.text, self._at)
        try:
            if found is None:
                raise ValueError
            value = json.loads(found[0], parse_constant=_refuse)
        except ValueError:
            raise self._wrong("a value belongs here") from None
        self._at = found.end()
        return value


def set_member(text: str, path: Path, value: Mapping[str, Any]) -> str:
    """The text with this value at the path of keys. Raises JsoncError, also when something is in the way."""
    document = _readable(text)
    if path in document.members:
        member = document.members[path]
        changed = text[: member.value_start] + _written(document, value, len(path)) + text[member.end :]
    elif document.empty:
        changed = _appended(document, _nested(path, value))
    else:
        depth = next(depth for depth in range(len(path) - 1, -1, -1) if path[:depth] in document.objects)
        changed = _inserted(document, path[:depth], path[depth], _nested(path[depth + 1 :], value))
    return _checked(text, changed, lambda wanted: _put(wanted, path, value))


def remove_member(text: str, path: Path) -> str:
    """The text without the member at the path; the same text when it is not there. Raises JsoncError."""
    document = _readable(text)
    if path not in document.members:
        return text
    member = document.members[path]
    siblings = document.objects[path[:-1]].members
    place = siblings.index(path)
    cuts = [(member.start, member.comma + 1 if member.comma >= 0 else member.end)]
    if member.comma < 0 and place > 0:
        comma = document.members[siblings[place - 1]].comma
        cuts.insert(0, (comma, comma + 1))
    for start, end in reversed(cuts):
        text = text[:start] + text[end:]
    at = member.start - sum(end - start for start, end in cuts[:-1])
    changed = _without_empty_line(text, at)
    return _checked(document.text, changed, lambda wanted: _drop(wanted, path))


def _readable(text: str) -> Document:
    document = Document(text)
    if not document.empty and not isinstance(document.value, dict):
        raise JsoncError(text, 0, "the document is not an object")
    return document


def _nested(path: Path, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _put(wanted: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        wanted = wanted.setdefault(key, {})
    wanted[path[-1]] = value


def _drop(wanted: dict[str, Any], path: Path) -> None:
    for key in path[:-1]:
        wanted = wanted[key]
    del wanted[path[-1]]


def _checked(before: str, after: str, change: Callable[[dict[str, Any]], None]) -> str:
    wanted = _readable(before).value or {}
    try:
        change(wanted)
    except (AttributeError, TypeError):
        raise JsoncError(before, 0, "something else than an object is in the way") from None
    if _readable(after).value != wanted:
        raise JsoncError(before, 0, "it is laid out in a way that cannot be changed without harm")
    return after


def _refuse(word: str) -> Any:
    raise ValueError(word)


# -- layout --------------------------------------------------------------------------------------------
def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(document: Document) -> str:
    """What one level is indented by: as the first member of the document is, else two spaces."""
    root = document.objects.get(())
    if root is not None and root.members:
        before = _indentation(document.text, document.members[root.members[0]].start)
        return before or "  "
    return "  "


def _indentation(text: str, index: int) -> str:
    """The white space between the line's beginning and the index; empty when there is more than that."""
    before = text[text.rfind("\n", 0, index) + 1 : index]
    return before if before.strip(" \t") == "" else ""


def _written(document: Document, value: Any, depth: int) -> str:
    unit, end = _unit(document), _line_end(document.text)
    text = json.dumps(value, indent=unit, ensure_ascii=False)
    return text.replace("\n", end + unit * depth)


def _appended(document: Document, value: Any) -> str:
    end = _line_end(document.text)
    before = document.text.rstrip()
    return (before + end if before else "") + _written(document, value, 0) + end


def _inserted(document: Document, path: Path, key: str, value: Any) -> str:
    text, place = document.text, document.objects[path]
    end, depth = _line_end(text), len(path) + 1
    member = f"{json.dumps(key, ensure_ascii=False)}: {_written(document, value, depth)}"
    last = document.members[place.members[-1]] if place.members else None
    head, tail = text[: place.end], text[place.end :]
    kept = head.rstrip()
    if last is not None and "\n" not in text[place.start : place.end]:
        comma = "" if last.comma >= 0 else ","
        return head[: last.end] + comma + head[last.end :].rstrip() + f" {member}" + tail
    if last is not None and last.comma < 0:
        kept = kept[: last.end] + "," + kept[last.end :]
    trailing = "," if last is not None and last.comma >= 0 else ""
    unit = _unit(document)
    return f"{kept}{end}{unit * depth}{member}{trailing}{end}{unit * (depth - 1)}{tail}"


def _without_empty_line(text: str, at: int) -> str:
    """The text without the line at the index when nothing but white space is left on it."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    if end < 0 or text[start:end].strip():
        return text
    return text[:start] + text[end + 1 :]
