"""Where in the text of docgen.yaml every key and value stands, so that one can be changed and no other byte.

Theory of operation. A round trip through a YAML library keeps comments where it can: ruamel.yaml's loses
those before a key when the key above is removed, all of a file that holds nothing else, and the author's
indentation (decision 0015). So nothing is written by a YAML library here. The parser's events carry the
index of every token; one pass over them notes for each key path the span of the key and of its value. An
edit then cuts and inserts text at these places.

The spans are those of the text as it stands. `docgenctl.configuration.text_edits` reads its own result again
and compares the values, so a form that this file does not foresee ends in a refusal, never in damage.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Path = tuple[str, ...]


class Form(Enum):
    """How a value is written."""

    EMPTY = "empty"
    SCALAR = "scalar"
    BLOCK = "block"
    FLOW = "flow"
    ALIAS = "alias"


@dataclass
class Spot:
    """One `key: value`; indices count characters of the text, `column` those before the key in its line.

    `colon` is the index behind the `:`, `start` and `end` enclose the value without comments around it.
    `keys` are the keys below in order, when the value is a mapping.
    """

    key_start: int
    key_end: int
    colon: int
    column: int
    in_flow: bool
    start: int = 0
    end: int = 0
    form: Form = Form.EMPTY
    is_mapping: bool = False
    keys: list[str] = field(default_factory=list)


def outline(text: str) -> dict[Path, Spot]:
    """Key path → its place; `()` is the whole document. The text has been read before and is valid."""
    from ruamel.yaml import YAML

    pass_ = _Pass(text, iter(YAML(typ="safe", pure=True).parse(text)))
    pass_.document()
    return pass_.spots


class _Pass:
    def __init__(self, text: str, events: Iterator[Any]) -> None:
        self._text = text
        self._events = events
        root = Spot(0, 0, 0, -1, in_flow=False, end=len(text))
        self.spots: dict[Path, Spot] = {(): root}

    def document(self) -> None:
        """Walk the one document of the text."""
        event = next(self._events)
        while self._kind(event) in ("StreamStart", "DocumentStart"):
            event = next(self._events)
        if self._kind(event) == "MappingStart":
            self._value(event, (), self.spots[()])

    def _kind(self, event: Any) -> str:
        return type(event).__name__.removesuffix("Event")

    def _value(self, event: Any, path: Path, spot: Spot) -> None:
        kind = self._kind(event)
        spot.start, spot.end = event.start_mark.index, event.end_mark.index
        if kind == "Alias":
            spot.form = Form.ALIAS
        elif kind == "Scalar":
            self._scalar(event, spot)
        else:
            spot.form = Form.FLOW if event.flow_style else Form.BLOCK
            spot.is_mapping = kind == "MappingStart"
            self._collection(path, spot)

    def _scalar(self, event: Any, spot: Spot) -> None:
        if not event.value and event.style is None:  # the mark of nothing is that of the next token
            spot.start = spot.end = spot.colon
            return
        spot.form = Form.SCALAR
        spot.end = spot.start + len(self._text[spot.start : spot.end].rstrip())

    def _collection(self, path: Path, spot: Spot) -> None:
        event = next(self._events)
        while self._kind(event) not in ("MappingEnd", "SequenceEnd"):
            below = self._pair(event, path, spot) if spot.is_mapping else self._item(event)
            if spot.form is Form.BLOCK:
                spot.end = max(below.end, below.colon)
            event = next(self._events)
        if spot.form is Form.FLOW:
            spot.end = event.end_mark.index

    def _pair(self, event: Any, path: Path, around: Spot) -> Spot:
        start, end = event.start_mark.index, event.end_mark.index
        colon = self._text.find(":", end) + 1 or end  # `? key` may have none
        spot = Spot(start, end, colon, event.start_mark.column, in_flow=around.form is Form.FLOW)
        around.keys.append(event.value)
        self.spots[(*path, event.value)] = spot
        self._value(next(self._events), (*path, event.value), spot)
        return spot

    def _item(self, event: Any) -> Spot:
        spot = Spot(0, 0, event.start_mark.index, 0, in_flow=False)
        self._value(event, ("",), spot)
        return spot
