"""What a request costs for its key, scopes and rates, against one SHA-256 of the key, the floor of any of it.

    .venv/bin/python benchmarks/key_checks.py [ROUNDS]

Every way is measured in each round, so that what else the machine does hits all alike; told are medians of
the rounds' ratios. For comparison: all hashes one after the other in constant time, as keys could be found.
"""

import hashlib
import hmac
import json
import statistics
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

from docgen_common.keys import ApiKey, KeyRing
from docgen_common.rates import Limiter, Rate
from docgen_common.scopes import Grants

CALLS = 20_000


def main(rounds: int = 9) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ways = measured_ways(Path(folder))
        times = {name: [] for name in ways}
        for _ in range(rounds):
            for name, call in ways.items():
                times[name].append(timeit.timeit(call, number=CALLS) / CALLS * 1e6)
    floor = times["floor: one SHA-256"]
    for name, found in times.items():
        ratio = statistics.median(one / least for one, least in zip(found, floor, strict=True))
        print(f"  {name:38} {statistics.median(found):7.2f} µs   {ratio:6.1f} times the floor")


def measured_ways(folder: Path) -> dict[str, Callable[[], object]]:
    """Name → call."""
    few, many = key_ring(folder / "few", 1), key_ring(folder / "many", 1000)
    hashes = [key.sha256 for key in many.keys]
    last = value(999)
    limiter, fast = Limiter(), Rate.parse("999999999/s")
    key = ApiKey("rated", "0" * 64, rate=fast)
    plain = ApiKey("plain", "1" * 64)
    reads = Grants.parse(["*:read"])

    def compare_all() -> bool:
        digest = hashlib.sha256(last.encode()).hexdigest()
        return sum(hmac.compare_digest(digest, known) for known in hashes) > 0

    return {
        "floor: one SHA-256": lambda: hashlib.sha256(last.encode()).digest(),
        "find a key among 1": lambda: few.find(value_0),
        "find a key among 1,000": lambda: many.find(last),
        "the same by comparing all 1,000": compare_all,
        "judge a key without a rate": lambda: limiter.take(plain),
        "judge a key's rate": lambda: limiter.take(key),
        "judge a key's and a tool's rate": lambda: limiter.take(key, "tool", fast),
        "ask a read-only key's scopes": lambda: reads.allows_tool("main", "docs_list", read_only=True),
    }


def value(number: int) -> str:
    """A key's value."""
    return f"dgk_{number:043}"


value_0 = value(0)


def key_ring(folder: Path, count: int) -> KeyRing:
    """A ring of so many keys."""
    folder.mkdir()
    keys = [{"id": f"k{n}", "sha256": hashlib.sha256(value(n).encode()).hexdigest()} for n in range(count)]
    (folder / "api-keys.json").write_text(json.dumps({"version": 1, "keys": keys}))
    return KeyRing(folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
