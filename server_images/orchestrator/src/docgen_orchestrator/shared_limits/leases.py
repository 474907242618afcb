"""Tokens that were taken from the store and are at hand here, bucket by bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from docgen_common.rates import BucketName, LocalBucket, Rate

NS = 1_000_000_000
LARGEST_LEASE = 64
IDLE_NS = NS // 2
"""After so long without a request the tokens at hand go back."""

_SHARE_OF_BURST = 16
_GROWS_NS = NS
"""A lease that is used up sooner than this was too small."""

_BELIEVED_NS = NS // 20
"""How long a refusal of the store is repeated without asking it again; another may have given tokens back."""

_MOST_BUCKETS = 10_000


def most_leased(rate: Rate) -> int:
    """How many tokens of a bucket one orchestrator keeps at hand at most."""
    return max(1, min(rate.burst // _SHARE_OF_BURST, LARGEST_LEASE))


@dataclass(frozen=True, slots=True)
class Ask:
    """What the store is asked for one bucket.

    ``need`` tokens are for requests that wait, up to ``extra`` more for those to come. ``back`` tokens were
    taken and not used, ``owed`` were handed out while the store was away.
    """

    name: BucketName
    rate: Rate
    need: int = 0
    extra: int = 0
    back: int = 0
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store says: tokens granted, tokens left, microseconds until the next and until it is full."""

    granted: int
    left: int
    next_us: int
    full_us: int


class AskFirstError(Exception):
    """No token is at hand, and the store has to be asked before anything can be said."""

    def __init__(self, lease: Lease) -> None:
        super().__init__("no token is at hand")
        self.lease = lease


class Lease:
    """The bucket of a name as it is seen from here. Its methods are those of ``docgen_common.rates.Bucket``.

    ``local`` is this orchestrator's share of the bucket, in force while the store is away; it goes down with
    every token that is handed out. ``owed`` are tokens handed out by that share, ``back`` those that were
    leased and will not be handed out; the store has not been told of either.
    """

    __slots__ = (
        "_all",
        "_now",
        "asked_at",
        "back",
        "full_at",
        "held",
        "left_there",
        "local",
        "low",
        "name",
        "next_at",
        "owed",
        "rate",
        "refused_until",
        "size",
        "used_at",
    )

    def __init__(self, name: BucketName, rate: Rate, now: int, all_: Leases) -> None:
        self.name = name
        self.rate = rate
        self.local = LocalBucket(rate, now, replicas=all_.replicas)
        self.held = 0
        self.owed = 0
        self.back = 0
        self.size = 1
        self.low = False
        self.refused_until = 0
        self.next_at = 0
        self.left_there = rate.burst
        self.full_at = now
        self.used_at = now
        self.asked_at = 0
        self._now = now
        self._all = all_

    def wait_ns(self, now: int) -> int:
        """How long until a token is there; 0 when one is at hand. Raises AskFirstError."""
        self._now = now
        if self.held > 0:
            return 0
        if now < self.refused_until:
            return max(1, self.next_at - now)
        raise AskFirstError(self)

    def take(self) -> None:
        """Take a token, right after ``wait_ns`` said 0."""
        self.held -= 1
        self.used_at = now = self._now
        if not self.local.wait_ns(now):
            self.local.take()
        if self.held <= self.size >> 1 and not self.low and self.size > 1:
            self.low = True
            self._all.run_low(self)

    def left(self) -> tuple[int, int]:
        """The tokens there as of what the store said last, and the nanoseconds until it is full."""
        return min(self.held + self.left_there, self.rate.burst), max(0, self.full_at - self._now)

    def follow(self, rate: Rate, now: int, replicas: int) -> None:
        """Be of another rate or share; what is at hand stays, what was refused is asked again."""
        if rate != self.rate:
            self.size, self.refused_until = 1, 0
        self.rate = rate
        self.local = self.local.following(rate, now, replicas)

    def ask(self, need: int, now: int) -> Ask:
        """What to ask for, for ``need`` requests that wait and those to come."""
        if need or self.low:
            soon = now - self.asked_at < _GROWS_NS
            self.size = min(self.size * 2, most_leased(self.rate)) if soon else 1
            self.asked_at = now
        extra = max(0, self.size - self.held) if self.size > 1 else 0
        self.low = False
        return Ask(self.name, self.rate, need, extra, self._back(), self._owed(now))

    def give_back(self, now: int) -> Ask:
        """What to tell the store when nobody uses the tokens: they are not at hand from now on."""
        self.lose()
        return Ask(self.name, self.rate, back=self._back(), owed=self._owed(now))

    def lose(self) -> None:
        """Hand out nothing of what the store gave, and believe nothing of what it said."""
        self.back += self.held
        self.held, self.size, self.low, self.refused_until = 0, 1, False, 0

    def answered(self, need: int, answer: Answer, now: int) -> None:
        """Take in what the store said to an ``Ask`` for ``need``."""
        self.held += answer.granted
        self.left_there = answer.left
        self.full_at = now + answer.full_us * 1000
        if answer.granted < need:
            self.next_at = now + answer.next_us * 1000
            self.refused_until = now + max(NS // 1000, min(answer.next_us * 1000, _BELIEVED_NS))

    def unheard(self, ask: Ask) -> None:
        """Nobody knows whether the store heard ``ask``: better that it counts something twice than never."""
        self.owed += ask.owed

    def _back(self) -> int:
        back, self.back = self.back, 0
        return back

    def _owed(self, now: int) -> int:
        """What was handed out without the store and has not come back by now; it is told once."""
        if not self.owed:
            return 0
        self.local.wait_ns(now)
        lacking = self.rate.burst - self.local.left()[0]
        owed, self.owed = min(self.owed, max(0, lacking)), 0
        return owed


class Share:
    """A bucket's share: what may be handed out without the store."""

    __slots__ = ("_lease", "rate")

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.rate = lease.rate

    def wait_ns(self, now: int) -> int:
        """How long until a token is there; 0 when one is."""
        return self._lease.local.wait_ns(now)

    def take(self) -> None:
        """Take a token, right after ``wait_ns`` said 0."""
        self._lease.local.take()
        self._lease.owed += 1

    def left(self) -> tuple[int, int]:
        """As of ``LocalBucket``."""
        return self._lease.local.left()


class Leases:
    """All leases of this orchestrator; a ``docgen_common.rates.BucketStore`` whose buckets may ask first.

    ``replicas`` is how many orchestrators there are. ``wake`` is called when a lease runs low.
    """

    def __init__(self, wake: Callable[[], None], most: int = _MOST_BUCKETS) -> None:
        self.replicas = 1
        self._wake = wake
        self._most = most
        self._leases: dict[BucketName, Lease] = {}
        self._low: list[Lease] = []

    def __len__(self) -> int:
        return len(self._leases)

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._leases.values())

    def bucket(self, name: BucketName, rate: Rate, now: int) -> Lease:
        """The lease of that name, which follows ``rate`` from now on."""
        found = self._leases.get(name)
        if found is None:
            if len(self._leases) >= self._most:
                self.forget(now)
            found = self._leases[name] = Lease(name, rate, now, self)
        elif (found.rate is not rate and found.rate != rate) or found.local.replicas != self.replicas:
            found.follow(rate, now, self.replicas)
        return found

    def run_low(self, lease: Lease) -> None:
        """Have more asked for, soon."""
        self._low.append(lease)
        self._wake()

    def running_low(self) -> list[Lease]:
        """Those that ran low since this was asked last."""
        low, self._low = self._low, []
        return low

    def idle(self, now: int) -> Iterable[Lease]:
        """Those that nobody has used for a while and that have something to tell."""
        return [
            lease
            for lease in self._leases.values()
            if (lease.held or lease.owed or lease.back) and now - lease.used_at > IDLE_NS
        ]

    def lose(self) -> None:
        """The store is away: nothing that it said before holds, and nothing that it gave is handed out."""
        for lease in self._leases.values():
            lease.lose()

    def forget(self, now: int) -> None:
        """Drop what is as good as new, and as many of the longest unused as make room for a tenth again."""
        for lease in self._leases.values():
            lease.local.wait_ns(now)
        room = max(1, self._most // 10)
        oldest = sorted(self._leases.values(), key=lambda lease: lease.used_at)
        for position, lease in enumerate(oldest):
            as_good_as_new = not (lease.held or lease.owed or lease.local.left()[1])
            if as_good_as_new or position < room:
                del self._leases[lease.name]


class Shares:
    """The shares of all leases; a ``docgen_common.rates.BucketStore``."""

    def __init__(self, leases: Leases) -> None:
        self.replicas = 1
        self._leases = leases

    def bucket(self, name: BucketName, rate: Rate, now: int) -> Share:
        """The share of that name."""
        return Share(self._leases.bucket(name, rate, now))
