"""docgen.yaml as plain values, with the line of every key.

Theory of operation. ruamel.yaml turns the text into parse events, lazily; nothing of it ever builds an
object. One pass over the events makes dictionaries, lists and scalars, and notes the line of each key path.
Because events come one at a time, depth and number of values are bounded *while* reading: a file of a
million brackets ends at the twenty-first, and an alias counts as much as what it stands for, so that a
tower of aliases ends too. Scalars follow the core schema of YAML 1.2 (§10.3.2): `yes`, `on` and `010` stay
text, and 3200-3300 always was. Keys are always text. Tags and merge keys are refused: nothing in
docgen.yaml needs them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docgenctl.files.bounded_file import read_bounded, single_problem
from docgenctl.model.errors import ConfigurationError, Problem

KeyPath = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 5_000
#: longer runs of digits are no number that any setting takes, and expensive to convert
_MAX_NUMBER = 40

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class YamlDocument:
    """Values of a file; `lines` counts from 1, `texts` holds scalars as they were written."""

    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    texts: Mapping[KeyPath, str] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """Line of the key path or of its nearest ancestor; 0 for the whole file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read_yaml(path: Path) -> YamlDocument | None:
    """The document at `path`, None when there is no file. Raises ConfigurationError with file and line."""
    data = read_bounded(path, MAX_BYTES)
    return None if data is None else parse_yaml(data, path.name)


def parse_yaml(data: bytes, name: str) -> YamlDocument:
    """The document in `data`; `name` is what errors call the file.

    Raises ConfigurationError, always with one Problem, for whatever is not a plain mapping.
    """
    text = decode(data, name)
    return _Reader(text, name).document()


def decode(data: bytes, name: str) -> str:
    """The text without a byte order mark. Raises ConfigurationError for what is not printable UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0")) or data[1:2] == b"\0":
        raise _problem(name, 1, "is not UTF-8 (it looks like UTF-16 or UTF-32)", "save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _problem(
            name, line, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None
    stranger = UNPRINTABLE.search(text)
    if stranger:
        line = text.count("\n", 0, stranger.start()) + 1
        raise _problem(
            name, line, f"holds the unprintable character U+{ord(stranger[0]):04X}", "remove the character"
        )
    return text


class _Reader:
    """One pass over the events of one text."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._events = self._checked_events()
        self._lines: dict[KeyPath, int] = {}
        self._texts: dict[KeyPath, str] = {}
        self._count = 0
        #: anchor → value and how many values it stands for; None while it is being read
        self._anchors: dict[str, tuple[Any, int] | None] = {}

    def document(self) -> YamlDocument:
        kind, event = self._next()
        while kind in ("StreamStart", "DocumentStart"):
            kind, event = self._next()
        if kind == "StreamEnd":
            return YamlDocument({})
        line = event.start_mark.line + 1
        value = self._value(kind, event, ())
        self._expect_one_document()
        if value is None:
            return YamlDocument({})
        if not isinstance(value, dict):
            raise self._error(
                line, "the file holds no settings but a single value or list", "write `key: value`"
            )
        return YamlDocument(value, self._lines, self._texts)

    def _expect_one_document(self) -> None:
        kind, event = self._next()
        while kind == "DocumentEnd":
            kind, event = self._next()
        if kind != "StreamEnd":
            raise self._error(event.start_mark.line + 1, "begins a second document", "remove the `---`")

    def _checked_events(self) -> Iterator[tuple[str, Any]]:
        from ruamel.yaml import YAML  # costs 10 ms, and most commands of a bare repository need none of it
        from ruamel.yaml.error import YAMLError

        try:
            for event in YAML(typ="safe", pure=True).parse(self._text):
                yield type(event).__name__.removesuffix("Event"), event
        except YAMLError as error:
            raise self._syntax_error(error) from None

    def _next(self) -> tuple[str, Any]:
        return next(self._events)

    def _value(self, kind: str, event: Any, path: KeyPath) -> Any:
        line = event.start_mark.line + 1
        self._count += 1
        if self._count > MAX_VALUES:
            raise self._error(line, f"the file holds more than {MAX_VALUES} values", "remove the surplus")
        if len(path) > MAX_DEPTH:
            raise self._error(line, f"values are nested deeper than {MAX_DEPTH} levels", "flatten them")
        if kind == "Alias":
            return self._alias(event.anchor, line)
        if event.tag:
            raise self._error(line, f"the tag {_tag(event.tag)} is not allowed here", "write a plain value")
        if event.anchor:
            self._anchors[event.anchor] = None
        before = self._count
        value = self._untagged(kind, event, path)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before + 1)
        return value

    def _untagged(self, kind: str, event: Any, path: KeyPath) -> Any:
        if kind == "MappingStart":
            return self._mapping(path)
        if kind == "SequenceStart":
            return self._sequence(path)
        self._texts[path] = event.value
        return plain_scalar(event.value) if event.implicit[0] else event.value

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        kind, event = self._next()
        while kind != "MappingEnd":
            line = event.start_mark.line + 1
            if kind != "Scalar" or event.tag:
                raise self._error(line, "a key must be a plain word", "write `key: value`")
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise self._error(line, "merge keys (`<<`) are not read", "write the settings out")
            if key in values:
                first = self._lines[(*path, key)]
                raise self._error(
                    line, f"the key is written twice, first in line {first}", "keep one of them", (*path, key)
                )
            self._lines[(*path, key)] = line
            values[key] = self._value(*self._next(), (*path, key))
            kind, event = self._next()
        return values

    def _sequence(self, path: KeyPath) -> list[Any]:
        values: list[Any] = []
        kind, event = self._next()
        while kind != "SequenceEnd":
            item = (*path, len(values))
            self._lines[item] = event.start_mark.line + 1
            values.append(self._value(kind, event, item))
            kind, event = self._next()
        return values

    def _alias(self, anchor: str, line: int) -> Any:
        if anchor not in self._anchors:
            raise self._error(line, f"no value is named &{anchor} before this", "write the value out")
        known = self._anchors[anchor]
        if known is None:
            raise self._error(line, f"*{anchor} stands inside of itself", "write the value out")
        value, size = known
        self._count += size - 1
        if self._count > MAX_VALUES:
            raise self._error(
                line, f"aliases stand for more than {MAX_VALUES} values", "write the values out"
            )
        return value

    def _syntax_error(self, error: Any) -> ConfigurationError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else 1
        lines = self._text.splitlines()
        written = lines[line - 1] if line <= len(lines) else ""
        if "\t" in re.match(r"\s*", written)[0]:  # type: ignore[index]  # matches always
            return self._error(line, "a tab stands in the indentation", "indent with spaces")
        problem = str(getattr(error, "problem", None) or "the text ends too early")
        return self._error(
            line, f"is not valid YAML: {problem}", "check colons, quotes and the indentation of this line"
        )

    def _error(self, line: int, message: str, hint: str, path: KeyPath = ()) -> ConfigurationError:
        return _problem(self._name, line, message, hint, "/".join(map(str, path)))


def _tag(tag: object) -> str:
    return str(tag).replace("tag:yaml.org,2002:", "!!")[:60]


def plain_scalar(text: str) -> Any:
    """What an unquoted scalar stands for: nothing, true, false, a number, or its own text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _MAX_NUMBER:
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _problem(name: str, line: int, message: str, hint: str, key_path: str = "") -> ConfigurationError:
    return single_problem(Problem(file=name, line=line, key_path=key_path, message=message, hint=hint))
