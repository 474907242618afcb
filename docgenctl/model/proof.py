"""What was tried to show who cannot reach whom, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: Where packets start that no container sends.
THIS_MACHINE = "this machine"

#: Host (a name of the stack, or an address) and TCP port.
Address = tuple[str, int]


class Verdict(StrEnum):
    """How a proof ended; only `blocked` is good, and `not_proved` says that nobody knows."""

    BLOCKED = "blocked"
    REACHED = "reached"
    NOT_PROVED = "not_proved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that a service must not reach.

    `target` is the word for it (`host`, `outside`, another server). `tried` is what must stay silent,
    `controls` what must answer, and from where, for the silence to mean anything. With `by_routes` the
    service must have no router that answers, too.
    """

    service: str
    target: str
    tried: tuple[Address, ...]
    controls: tuple[tuple[str, Address], ...]
    by_routes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the world looked like from one place; `error` says why nothing could be seen."""

    found: Mapping[Address, str] = field(default_factory=dict)
    ways_out: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The answer to a question; `detail` says what was seen, in words for people."""

    service: str
    target: str
    verdict: Verdict
    detail: str
