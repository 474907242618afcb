"""What is measured of a front, and in which order.

Rounds are interleaved: every front is measured once in each round, so what else happens on the machine meets
all of them. Ratios are made within a round, of what was measured seconds apart, and the median of the rounds
is what counts.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from _fronts import Bench, Front
from _load import Load, Target, run

TOOL, STREAM = "bench_0000", "bench_stream"
ALONE, TOGETHER = 1, 32
_READY_S = 60.0


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure; what else than calls."""

    rounds: int
    seconds: float
    lists: bool = False
    streams: int = 0


@dataclass
class Seen:
    """One front in one round; times in µs, rates in calls a second."""

    alone_us: float
    rate: float
    p99_us: float
    cpu_us: float
    own_us: float
    list_us: float | None = None
    first_byte_us: float | None = None


@dataclass
class Figures:
    """One front over all rounds."""

    front: str
    rounds: list[Seen] = field(default_factory=list)

    def median(self, name: str) -> float | None:
        """The median of a figure."""
        values = [getattr(seen, name) for seen in self.rounds]
        return None if None in values or not values else statistics.median(values)

    def ratio(self, name: str, to: "Figures") -> float | None:
        """The median of this figure's ratios to another front's in the same round."""
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(self.rounds, to.rounds, strict=True)]
        if not pairs or any(None in pair for pair in pairs):
            return None
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def added(self, name: str, to: "Figures") -> float | None:
        """The median of what this front takes more than another one in the same round, in µs."""
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(self.rounds, to.rounds, strict=True)]
        if not pairs or any(None in pair for pair in pairs):
            return None
        return statistics.median(mine - theirs for mine, theirs in pairs)


def target(bench: Bench, front: Front, method: str, tool: str | None = None) -> Target:
    """Where a request goes, through a front."""
    tls = bench.tls.client() if bench.tls else None
    return Target(front.process.port, front.head(method, tool), front.body(method, tool), tls)


async def measure(bench: Bench, fronts: Sequence[Front], plan: Plan) -> list[Figures]:
    """The figures of each front."""
    for front in fronts:
        await ready(bench, front)
    found = [Figures(front.name) for front in fronts]
    for _ in range(plan.rounds):
        for front, figures in zip(fronts, found, strict=True):
            figures.rounds.append(await _once(bench, front, plan))
    return found


async def ready(bench: Bench, front: Front) -> None:
    """Wait until calls through a front succeed, then let it warm up."""
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            await run(target(bench, front, "tools/call", TOOL), ALONE, calls=1)
            break
        except (SystemExit, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    await run(target(bench, front, "tools/call", TOOL), TOGETHER, seconds=0.2)


async def _once(bench: Bench, front: Front, plan: Plan) -> Seen:
    call = target(bench, front, "tools/call", TOOL)
    alone = await run(call, ALONE, seconds=plan.seconds)
    used = front.process.cpu_s()
    together = await run(call, TOGETHER, seconds=plan.seconds)
    used = front.process.cpu_s() - used
    seen = Seen(
        alone_us=_median(alone),
        rate=together.rate,
        p99_us=_p99(together),
        cpu_us=used / len(together.took) * 1e6,
        own_us=together.own_us,
    )
    if plan.lists:
        lists = target(bench, front, "tools/list")
        seen.list_us = _median(await run(lists, ALONE, seconds=plan.seconds / 2))
    if plan.streams:
        streamed = await run(target(bench, front, "tools/call", STREAM), ALONE, calls=plan.streams)
        seen.first_byte_us = statistics.median(streamed.first_byte) * 1e6
    return seen


def _median(load: Load) -> float:
    return statistics.median(load.took) * 1e6


def _p99(load: Load) -> float:
    return sorted(load.took)[int(len(load.took) * 0.99)] * 1e6
