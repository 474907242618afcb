"""400 port choices while the first half of every range is taken, against as many bare binds.

    .venv/bin/python benchmarks/port_choice.py [STACKS]

The busy halves are really bound and listened on, on 127.0.0.1. A choice is what `up` makes for one purpose:
the first port of the range that can be bound and listened on. Ports are chosen for stacks of four purposes,
each stack from a fresh look. The floor is a socket bound, listened on and closed, 400 times.
"""

import contextlib
import itertools
import resource
import socket
import statistics
import sys
import time
from collections.abc import Callable

from docgenctl.host.ports import probing
from docgenctl.model.settings import PortRange
from docgenctl.planning.choose_ports import choose_ports

ADDRESS = "127.0.0.1"
WIDTH, PURPOSES, ROUNDS = 100, 4, 9


def main(stacks: int = 100) -> None:
    ranges = {
        f"purpose{number}": PortRange(first=first, last=first + WIDTH - 1)
        for number, first in enumerate(idle_ranges())
    }
    idle = ranges["purpose0"].first + WIDTH // 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with contextlib.ExitStack() as held:
        for range_ in ranges.values():
            for port in range(range_.first, range_.first + WIDTH // 2):
                held.enter_context(holding(port))

        def choose() -> None:
            for _ in range(stacks):
                with probing(ADDRESS) as is_free:
                    chosen = choose_ports(ranges, {}, is_free)
                assert all(chosen[name] == range_.first + WIDTH // 2 for name, range_ in ranges.items())

        def bare() -> None:
            for _ in range(stacks * PURPOSES):
                holding(idle).close()

        pairs = [(measured(bare), measured(choose)) for _ in range(ROUNDS)]
    floor_s, ours_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(ours / floor for floor, ours in pairs)
    count = stacks * PURPOSES
    print(f"{count} choices over {PURPOSES} ranges of {WIDTH}, {WIDTH // 2} ports of each taken:")
    print(f"  ours {ours_s * 1e3:7.1f} ms   bare bind {floor_s * 1e3:7.1f} ms   ratio {ratio:.1f}")


def idle_ranges() -> list[int]:
    """The beginnings of as many ranges in which nobody holds a port now."""
    with probing(ADDRESS) as is_free:
        idle = (
            first
            for first in range(10_000, 32_000, WIDTH)
            if all(is_free(port) for port in range(first, first + WIDTH))
        )
        return list(itertools.islice(idle, PURPOSES))


def holding(port: int) -> socket.socket:
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((ADDRESS, port))
    holder.listen(1)
    return holder


def measured(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
