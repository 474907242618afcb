"""How often a key may call: token buckets, exact within this process.

Theory of operation. A bucket holds at most ``burst`` tokens and gains ``count`` of them in ``per_s`` seconds;
a request takes one. Levels are whole numbers: a token counts as many units as the rate's period has
nanoseconds, and each nanosecond adds ``count`` units. So nothing is rounded, whatever the rate and however
long the process lives. Time comes from a monotonic clock, so that setting the machine's clock gives nobody
tokens and takes nobody's.

There is one bucket for a key, and one for each tool that a rate applies to, of each key: a noisy key can
empty its own buckets only. What has several buckets takes from all of them or from none. A full bucket is as
good as none and is dropped, so idle keys cost nothing; when there are too many nevertheless, the fullest go,
since with them the least is forgotten.

Where several replicas serve the same callers, each has its share of every rate: an equal part of the count,
and of the burst (rounded up). So all of them together admit at most the rate, and at most one request more
for each further replica, without asking each other anything; callers who are spread evenly notice nothing.

Buckets are behind ``BucketStore``, in which another store (one that shares limits between replicas) can take
the place of this process's memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic_ns
from typing import NamedTuple, Protocol

_RATE = re.compile(r"(?P<count>[0-9]{1,9})/(?P<unit>[smh])(?: burst (?P<burst>[0-9]{1,9}))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_NS = 1_000_000_000
_MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` requests in ``per_s`` seconds, at most ``burst`` of them at once. All are at least 1."""

    count: int
    per_s: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """``10/s``, ``600/m``, ``100/h`` or ``5/s burst 20``; the burst is the count where it is not told.

        Raises ValueError.
        """
        match = _RATE.fullmatch(text)
        count = int(match["count"]) if match else 0
        burst = int(match["burst"]) if match and match["burst"] else count
        if match is None or not count or not burst:
            raise ValueError(f"{text!r} is not a rate; write 10/s, 600/m, 100/h or '5/s burst 20'")
        return cls(count, _SECONDS[match["unit"]], burst)

    def __str__(self) -> str:
        """The text that ``parse`` understands."""
        unit = {seconds: unit for unit, seconds in _SECONDS.items()}[self.per_s]
        return f"{self.count}/{unit}" + (f" burst {self.burst}" if self.burst != self.count else "")


class RatedKey(Protocol):
    """What the limiter needs to know of a key."""

    @property
    def id(self) -> str:
        """Whose buckets these are."""

    @property
    def rate(self) -> Rate | None:
        """The rate of all its requests."""

    @property
    def tool_rates(self) -> Sequence[tuple[re.Pattern[str], Rate]]:
        """The rates of calls of single tools, by the tool's name."""


class Verdict(NamedTuple):
    """What a rate says to one request.

    ``limit`` is the bucket's size in requests, ``remaining`` what is left of it, ``reset_s`` the seconds
    until it is full again, ``retry_after_s`` those until the next token (0 when allowed). Where several rates
    apply they are those of the one that refuses, else of the one with the least left. ``name`` tells which:
    ``key`` or ``tool``.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_s: float
    retry_after_s: float
    name: str
    rate: Rate

    def headers(self) -> list[tuple[bytes, bytes]]:
        """``RateLimit`` and ``RateLimit-Policy``, with ``Retry-After`` (RFC 9110, 10.2.3) on a refusal.

        As in draft-ietf-httpapi-ratelimit-headers-10; seconds are whole there, so they are rounded up.
        """
        lines = self.lines().split(b"\r\n")
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]

    def lines(self) -> bytes:
        """The same as it stands in an HTTP/1.1 head, each line with its end."""
        name, rate = self.name.encode(), self.rate
        state = (name, rate.count, rate.per_s, name, self.remaining, ceil(self.reset_s))
        lines = b'ratelimit-policy: "%b";q=%d;w=%d\r\nratelimit: "%b";r=%d;t=%d\r\n' % state
        if self.allowed:
            return lines
        return b"%bretry-after: %d\r\n" % (lines, max(1, ceil(self.retry_after_s)))


BucketName = tuple[str, str]
"""A key's id and a tool's name; the tool is empty in the name of the key's own bucket."""


class Bucket(Protocol):
    """Tokens of one name. Times are nanoseconds of the limiter's clock, which never goes back."""

    rate: Rate

    def wait_ns(self, now: int) -> int:
        """How long until a token is there; 0 when one is."""

    def take(self) -> None:
        """Take a token, right after ``wait_ns`` said 0."""

    def left(self) -> tuple[int, int]:
        """The tokens there, and the nanoseconds until it is full, as of the last ``wait_ns``."""


class BucketStore(Protocol):
    """Where buckets are kept. Used by one thread, and never waits.

    ``replicas`` is how many processes there are that each keep an equal share of every bucket.
    """

    replicas: int

    def bucket(self, name: BucketName, rate: Rate, now: int) -> Bucket:
        """The bucket of that name, which follows ``rate`` from now on; a full one where there was none."""


class LocalBucket:
    """A bucket in this process's memory, one of as many as there are ``replicas``."""

    __slots__ = ("_cost", "_full", "_level", "_seen", "rate", "replicas")

    def __init__(self, rate: Rate, now: int, *, level: int | None = None, replicas: int = 1) -> None:
        self.rate = rate
        self.replicas = replicas
        self._cost = rate.per_s * _NS * replicas
        self._full = -(-rate.burst // replicas) * self._cost
        self._level = self._full if level is None else min(level * self._cost, self._full)
        self._seen = now

    def wait_ns(self, now: int) -> int:
        """How long until a token is there; 0 when one is."""
        if now > self._seen:
            level = self._level + (now - self._seen) * self.rate.count
            self._level = level if level < self._full else self._full
            self._seen = now
        lacking = self._cost - self._level
        return 0 if lacking <= 0 else -(-lacking // self.rate.count)

    def take(self) -> None:
        """Take a token, right after ``wait_ns`` said 0."""
        self._level -= self._cost

    def left(self) -> tuple[int, int]:
        """The tokens there, and the nanoseconds until it is full, as of the last ``wait_ns``.

        Of a share, what all replicas together have when they are asked alike.
        """
        tokens = min(self._level // self._cost * self.replicas, self.rate.burst)
        return tokens, -(-(self._full - self._level) // self.rate.count)

    def following(self, rate: Rate, now: int, replicas: int = 1) -> LocalBucket:
        """A bucket of another rate or share that has what was left here: neither is a new burst."""
        self.wait_ns(now)
        return LocalBucket(rate, now, level=self._level // self._cost, replicas=replicas)


class LocalBuckets:
    """Buckets in this process's memory, at most ``most`` of them."""

    def __init__(self, most: int = _MOST_BUCKETS) -> None:
        self._most = most
        self.replicas = 1
        self._buckets: dict[BucketName, LocalBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def bucket(self, name: BucketName, rate: Rate, now: int) -> LocalBucket:
        """The bucket of that name, which follows ``rate`` from now on; a full one where there was none."""
        found = self._buckets.get(name)
        if found is None:
            if len(self._buckets) >= self._most:
                self._drop(now)
            found = self._buckets[name] = LocalBucket(rate, now, replicas=self.replicas)
        elif (found.rate is not rate and found.rate != rate) or found.replicas != self.replicas:
            found = self._buckets[name] = found.following(rate, now, self.replicas)
        return found

    def _drop(self, now: int) -> None:
        """Drop the full ones, and as many of the fullest as make room for a tenth again."""
        for bucket in self._buckets.values():
            bucket.wait_ns(now)
        fullest_first = sorted(self._buckets.items(), key=lambda item: item[1].left()[1])
        room = max(1, self._most // 10)
        for position, (name, bucket) in enumerate(fullest_first):
            if position >= room and bucket.left()[1]:
                break
            del self._buckets[name]


class NotCountedError(Exception):
    """A request that has a rate and may change something cannot be counted now; in some seconds it may be."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("what may change something is not let through while it cannot be counted")
        self.retry_after_s = retry_after_s


class Limiter:
    """Judges requests by the rates of their keys and tools; ``clock`` tells monotonic nanoseconds."""

    def __init__(self, store: BucketStore | None = None, *, clock: Callable[[], int] = monotonic_ns) -> None:
        self._store: BucketStore = LocalBuckets() if store is None else store
        self._clock = clock

    def share_among(self, replicas: int) -> None:
        """From now on this is one of so many that serve the same callers, with its share of every rate."""
        self._store.replicas = replicas

    def take(
        self, key: RatedKey | None, tool: str | None = None, tool_rate: Rate | None = None
    ) -> Verdict | None:
        """Take a token for one request from each bucket that it has; None when no rate applies to it.

        ``tool`` must be a tool that exists, so that callers cannot make up buckets; ``tool_rate`` is the one
        for each key that calls it. Without a ``key`` (where keys are not asked for) all are one caller.
        """
        if key is None:
            return None if tool is None or tool_rate is None else self._judge(_tool(tool, "", (), tool_rate))
        if tool is None or (tool_rate is None and not key.tool_rates):
            return None if key.rate is None else self._one("key", (key.id, ""), key.rate)
        buckets = list(_tool(tool, key.id, key.tool_rates, tool_rate))
        if key.rate is not None:
            buckets.append(("key", (key.id, ""), key.rate))
        return self._judge(iter(buckets))

    def take_tool(self, key: RatedKey | None, tool: str, tool_rate: Rate | None) -> Verdict | None:
        """As ``take``, for a request that has paid for its key already: the tool's buckets alone."""
        rates = key.tool_rates if key is not None else ()
        return self._judge(_tool(tool, key.id if key is not None else "", rates, tool_rate))

    async def judge(
        self,
        key: RatedKey | None,
        tool: str | None = None,
        tool_rate: Rate | None = None,
        *,
        reads: bool = True,  # noqa: ARG002 - for limiters that may be unable to count
    ) -> Verdict | None:
        """As ``take``, for callers who can wait until others have been asked, where buckets are shared.

        ``reads`` says that the request changes nothing. Raises NotCountedError.
        """
        return self.take(key, tool, tool_rate)

    async def judge_tool(
        self,
        key: RatedKey | None,
        tool: str,
        tool_rate: Rate | None,
        *,
        reads: bool = True,  # noqa: ARG002 - as above
    ) -> Verdict | None:
        """As ``judge``, for a request that has paid for its key already: the tool's buckets alone."""
        return self.take_tool(key, tool, tool_rate)

    def _one(self, name: str, bucket_name: BucketName, rate: Rate) -> Verdict:
        now = self._clock()
        bucket = self._store.bucket(bucket_name, rate, now)
        wait = bucket.wait_ns(now)
        if not wait:
            bucket.take()
        return _verdict(name, bucket, wait)

    def _judge(self, wanted: Iterator[tuple[str, BucketName, Rate]]) -> Verdict | None:
        now = self._clock()
        found = [(name, self._store.bucket(of, rate, now)) for name, of, rate in wanted]
        waits = [(bucket.wait_ns(now), name, bucket) for name, bucket in found]
        if not waits:
            return None
        wait, name, bucket = max(waits, key=lambda item: item[0])
        if wait:
            return _verdict(name, bucket, wait)
        for _, taken in found:
            taken.take()
        name, bucket = min(found, key=lambda item: item[1].left()[0])
        return _verdict(name, bucket, 0)


def _tool(
    tool: str, key_id: str, own: Sequence[tuple[re.Pattern[str], Rate]], general: Rate | None
) -> Iterator[tuple[str, BucketName, Rate]]:
    """The buckets of calls of ``tool``: by the key's own rates for it, and by the tool's for every key."""
    if general is not None:
        yield "tool", (key_id, tool), general
    for position, (pattern, rate) in enumerate(own):
        if pattern.fullmatch(tool):
            yield "tool", (key_id, f"{tool}\0{position}"), rate


def _verdict(name: str, bucket: Bucket, wait_ns: int) -> Verdict:
    left, full_ns = bucket.left()
    return Verdict(not wait_ns, bucket.rate.burst, left, full_ns / _NS, wait_ns / _NS, name, bucket.rate)
