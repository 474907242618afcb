"""How many requests one address may send, as the container's gateway counts them; no I/O.

A window slides by two counters: of the one before as much counts as the window still covers of it, which
takes a few bytes an address and forgets nobody too early.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from time import monotonic

_MOST_ADDRESSES = 50_000


class EdgeRate:
    """``count`` requests in ``per_s`` seconds for every address; the clock is in seconds."""

    def __init__(self, count: int, per_s: int, clock: Callable[[], float] = monotonic) -> None:
        self._count, self._per_s, self._clock = count, per_s, clock
        #: who → number of the window, requests in it, requests in the one before
        self._seen: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def takes(self, address: str) -> bool:
        """Count a request; whether it is within the rate."""
        who = _who(address)
        window, share = divmod(self._clock(), self._per_s)
        last, now, before = self._seen.pop(who, (0, 0, 0))
        if last != window:
            now, before = 0, now if last == window - 1 else 0
        now += 1
        self._seen[who] = (int(window), now, before)
        if len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return now + before * (1 - share / self._per_s) <= self._count


def _who(address: str) -> str:
    """An IPv6 caller has a network to itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return parsed.packed[:8].hex()
    return address
