"""What `verify` measured: times in milliseconds, counts of what came and what did not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Times:
    """A series of measurements, told by nearest rank."""

    values_ms: tuple[float, ...]

    def at(self, share: float) -> float | None:
        """The value that this share of all stay within, None of nothing."""
        ranked = sorted(self.values_ms)
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None

    def as_json(self) -> dict[str, float | int | None]:
        """Count, median, 99th percentile and largest."""
        names = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}
        return {"count": len(self.values_ms)} | {
            name: _rounded(self.at(share)) for name, share in names.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Calls of one tool along one way, which `path` says in words; `first_ms` includes connecting."""

    path: str
    tool: str
    first_ms: float | None
    times: Times
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Calls that report progress, several at once: what was reported against what was done.

    `lost` frames were never seen, `out_of_order` came in another order than they were numbered, `foreign`
    belonged to another caller.
    """

    tool: str
    streams: int
    frames: int
    lost: int
    out_of_order: int
    foreign: int
    first_frame: Times

    @property
    def good(self) -> bool:
        """Whether every frame came, in order, to its caller."""
        return not (self.lost or self.out_of_order or self.foreign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancels:
    """Streams that were closed: when each service logged their end, after the closing; `unseen` never did."""

    service: str
    times: Times
    unseen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All of it. `notes` are sentences about what could not be measured, and why."""

    through: Leg
    direct: Leg | None = None
    streams: Streams | None = None
    cancels: Sequence[Cancels] = ()
    notes: Sequence[str] = field(default=())

    @property
    def good(self) -> bool:
        """Whether nothing failed, was lost, mixed up, or left running."""
        streamed = self.streams is None or self.streams.good
        return self.through.failed == 0 and streamed and not any(one.unseen for one in self.cancels)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
