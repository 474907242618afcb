"""What `docgenctl mcp` costs a client: its start, each call, its memory; against floors and peers in one run.

Starts are whole processes, from nothing to the answer to the client's first request, as multiples of
`python -c pass`; the peer is the smallest stdio server on the official SDK. Calls go to the same server on
the SDK behind TLS, once over HTTPS by our own client and once through the bridge, in turns. Prints medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the tests' server, when started as a script

from docgenctl.endpoint import Endpoint, McpEndpoint
from tests.unit.endpoint.bridge.conftest import Home, Pipe

SDK_SERVER = "from mcp.server import MCPServer; MCPServer('peer').run('stdio')"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "15")))
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Home(Path(place))
        home.start()
        try:
            starts(home, options.rounds)
            calls(home, options.rounds, options.calls)
        finally:
            home.stop()


def starts(home: Home, rounds: int) -> None:
    """Time to the first answer."""
    environ = {**os.environ, **home.environ}
    ways: dict[str, list[str]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "docgenctl mcp": home.command(),
        "SDK's stdio server": [sys.executable, "-c", SDK_SERVER],
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        for name, argv in ways.items():
            took_ms = first_answer(argv, environ, answers=name != "python -c pass")
            if round_:  # the first one warms the file cache
                times[name].append(took_ms)
    floor = statistics.median(times["python -c pass"])
    for name, samples in times.items():
        median = statistics.median(samples)
        print(f"first answer  {name:<22}{median:8.1f} ms {median / floor:6.1f} x")


def first_answer(argv: list[str], environ: dict[str, str], *, answers: bool) -> float:
    """Milliseconds until the line that answers `initialize`; until the end without answers."""
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    if answers:
        process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "result" in answer, answer
    else:
        process.wait()
    took_ms = (time.perf_counter() - began) * 1000
    process.stdin.close()
    process.wait()
    process.stdout.close()
    return took_ms


def calls(home: Home, rounds: int, count: int) -> None:
    """Milliseconds a call, and what the bridge holds in memory after them."""
    straight: list[float] = []
    through: list[float] = []
    endpoint = Endpoint(
        f"https://localhost:{home.port}/mcp", home.state / "ca" / "root.pem", home.state / "api-key"
    )
    pipe = Pipe(home.command(), home.environ)
    pipe.initialize()
    share = max(1, count // rounds)
    with McpEndpoint(endpoint) as client:
        for round_ in range(rounds + 1):
            first = timed(share, lambda: client.call_tool("echo", {"text": "x"}))
            second = timed(share, lambda: pipe.call("echo", {"text": "x"}))
            if round_:
                straight += first
                through += second
    floor = statistics.median(straight)
    for name, samples in (("HTTPS", straight), ("through the bridge", through)):
        median = statistics.median(samples)
        print(f"call          {name:<22}{median:8.2f} ms {median / floor:6.2f} x")
    print(f"memory        docgenctl mcp         {resident_mib(pipe.process.pid):8.1f} MiB")
    pipe.end()


def timed(count: int, call: Any) -> list[float]:
    """Milliseconds of each of so many calls."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def resident_mib(pid: int) -> float:
    """The process's share of memory (PSS), MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return float(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


if __name__ == "__main__":
    main()
