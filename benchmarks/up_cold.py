"""From cold containers to the first successful authenticated tool call: docgenctl, Compose, the sum of parts.

Both start the same rendered file: images built, volumes filled, no container and no network. One probe asks
from the moment the command begins. Compose has its health checks at one second and is asked to `--wait`. The
sum of parts is every container started alone, from the call that starts it until it listens, read from the
kernel's tables. Rounds are interleaved; printed are medians and ratios. `ROUNDS=n` changes their number.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from _stack import QUICK_FILE, BenchStack, Probe, bench_stack
from docker import APIClient

ROUNDS = int(os.environ.get("ROUNDS", "5"))
#: What each service listens on inside its container.
PORTS = {"main": 8000, "github": 8000, "orchestrator": 8000, "egress": 3128, "gateway": 8080}
_LISTEN = "0A"


def main() -> None:
    """Measure, print, and fail where docgenctl is not faster."""
    first_call: dict[str, list[float]] = {"docgenctl": [], "Compose": []}
    whole: dict[str, list[float]] = {"docgenctl": [], "Compose": []}
    alone: dict[str, list[float]] = {name: [] for name in PORTS}
    with bench_stack() as stack:
        ways: dict[str, Callable[[], float]] = {
            "docgenctl": lambda: stack.docgenctl("up", "--no-prove"),
            "Compose": lambda: stack.compose("up", "--wait", file=QUICK_FILE),
        }
        for round_ in range(ROUNDS + 1):
            for name, start in ways.items():
                probe = Probe(stack.endpoint())
                took = start()
                answered = probe.wait()
                stack.compose("down", "--timeout", "1")
                if round_:  # the first round warms the file cache
                    first_call[name].append(answered)
                    whole[name].append(took)
            for service, seconds in started_alone(stack).items():
                if round_:
                    alone[service].append(seconds)
    report(first_call, whole, alone)


def started_alone(stack: BenchStack) -> dict[str, float]:
    """Service → seconds from the start call until it listens, each with all others stopped."""
    stack.compose("create", file=QUICK_FILE)
    api = APIClient(base_url=stack.environ["DOCKER_HOST"], version="auto")
    taken = {}
    try:
        for service, port in PORTS.items():
            container = f"{stack.project}-{service}-1"
            began = time.perf_counter()
            api.start(container)
            pid = api.inspect_container(container)["State"]["Pid"]
            while not listens(pid, port):
                if time.perf_counter() - began > 60:
                    sys.exit(f"{service} does not listen on {port} when it is alone")
                time.sleep(0.005)
            taken[service] = time.perf_counter() - began
            api.kill(container)
            api.wait(container)
    finally:
        api.close()
        stack.compose("down", "--timeout", "1")
    return taken


def listens(pid: int, port: int) -> bool:
    """Whether something listens on the port in the network of that process."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        fields = (line.split() for line in lines)
        if any(int(f[1].rpartition(":")[2], 16) == port and f[3] == _LISTEN for f in fields):
            return True
    return False


def report(
    first_call: dict[str, list[float]], whole: dict[str, list[float]], alone: dict[str, list[float]]
) -> None:
    """Medians in seconds, then what is claimed, as ratios."""
    for name in first_call:
        called, ended = statistics.median(first_call[name]), statistics.median(whole[name])
        print(f"{name:<14}first tool call {called:6.2f} s   command ended {ended:6.2f} s")
    parts = {service: statistics.median(times) for service, times in alone.items()}
    shown = ", ".join(f"{service} {seconds:.2f}" for service, seconds in parts.items())
    print(f"{'each alone':<14}sum             {sum(parts.values()):6.2f} s   {shown}")
    ours, theirs = statistics.median(first_call["docgenctl"]), statistics.median(first_call["Compose"])
    print(f"docgenctl / Compose      {ours / theirs:5.2f}   (claim: below 1)")
    print(f"docgenctl / sum of parts {ours / sum(parts.values()):5.2f}   (claim: below 0.8)")


if __name__ == "__main__":
    main()
