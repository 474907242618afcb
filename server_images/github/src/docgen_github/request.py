"""What would be sent to change something, as data: the same list is shown by a dry run and carried out.

A change may take several requests, where a later one needs what an earlier one answers (a commit needs the
id of its tree). Such a value stands in the body as `FromAnswer` until the answer is there, so the whole list
can be shown, confirmed and digested before the first request is sent.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
Look = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class FromAnswer:
    """The value of `field` in the answer to an earlier request, counted from 0."""

    request: int
    field: str

    def __str__(self) -> str:
        return f"<{self.field} from the answer to request {self.request + 1}>"


@dataclass(frozen=True)
class Marked:
    """A text with an invisible mark at its end, by which it is found again; a random mark is not shown."""

    text: str
    mark: str
    random: bool = False

    def __str__(self) -> str:
        return marked(self.text, "random" if self.random else self.mark)

    @property
    def sent(self) -> str:
        """The text as it is sent."""
        return marked(self.text, self.mark)


def marked(text: str, mark: str) -> str:
    """`text` with a comment that GitHub does not render."""
    return f"{text}\n\n{comment(mark)}"


def comment(mark: str) -> str:
    """The mark as it stands in a text."""
    return f"<!-- docgen:{mark} -->"


@dataclass(frozen=True)
class Request:
    """One request that changes something; `what` names its object in messages.

    After an answer that was lost, one that is `repeatable` is sent again, since twice comes to the same as
    once. For the others `look` finds what the lost one did (the value its answer would have had, or None);
    where there is neither, the outcome stays unknown and the caller is told. With `look_first` it is asked
    before the first try too.
    """

    method: Method
    path: tuple[str | int, ...]
    what: str
    body: Mapping[str, Any] | None = None
    repeatable: bool = False
    look: Look | None = None
    look_first: bool = False


def filled(value: Any, answers: Sequence[Any]) -> Any:
    """`value` with every `FromAnswer` replaced by what was answered."""
    if isinstance(value, FromAnswer):
        return answers[value.request][value.field]
    if isinstance(value, Marked):
        return value.sent
    if isinstance(value, Mapping):
        return {key: filled(one, answers) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled(one, answers) for one in value]
    return value


def shown(value: Any) -> Any:
    """`value` with every `FromAnswer` as words, and random marks as such."""
    if isinstance(value, FromAnswer | Marked):
        return str(value)
    if isinstance(value, Mapping):
        return {key: shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    return value


def digest(summary: str, requests: Sequence[Request]) -> str:
    """What a confirmation is bound to: the words of the change, and method, path and body of each request."""
    told = [[one.method, list(one.path), shown(one.body)] for one in requests]
    return hashlib.sha256(json.dumps([summary, told], sort_keys=True).encode()).hexdigest()
