"""What a tool call of `main` costs, against the same tool on a bare SDK server, in one run.

    make bench, or PYTHONPATH=<every server_images/*/src> python benchmarks/tool_call.py

Both run on uvicorn in processes of their own; `main` as in its container: keys, limits, log lines, metrics,
the guard around every path. The tool reads one small file, the bare server's by `Path.read_bytes`, and both
tell the same of it. One caller on one kept connection each, in interleaved rounds; medians are printed. CPU
is the server's own and bears other load on the machine; the time of a call does not.
"""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from _servers import Process, bare_server, main_server, message_of
from docgen_orchestrator.http1 import Connection

ROUNDS, CALLS = 5, 300
TARGET = 1.3


async def connect(port: int) -> Connection:
    """One kept connection."""
    idle = asyncio.get_running_loop()
    _, connection = await idle.create_connection(lambda: Connection("", lambda _: None), "127.0.0.1", port)
    return connection


async def calls(process: Process, tool: str) -> tuple[float, float]:
    """The median time of `CALLS` calls, and the server's CPU for each, in µs."""
    connection = await connect(process.port)
    request = message_of(tool, {"path": "README.md"}, process.port)
    took, used = [], process.cpu_s()
    for number in range(CALLS):
        begun = time.perf_counter()
        reply = connection.send(request)
        await reply.head()
        body = await reply.read()
        took.append(time.perf_counter() - begun)
        if number == 0 and json.loads(body)["result"].get("isError"):
            raise SystemExit(f"{tool} failed: {body!r}")
    connection.abort()
    return statistics.median(took) * 1e6, (process.cpu_s() - used) / CALLS * 1e6


async def measure(servers: dict[str, tuple[Process, str]]) -> dict[str, list[tuple[float, float]]]:
    """Time and CPU of each round, by server."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for number in range(ROUNDS + 1):
        for name, (process, tool) in servers.items():
            measured = await calls(process, tool)
            if number:  # the first round warms up
                found[name].append(measured)
    return found


def main() -> None:
    """Start both, measure, print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder, "workspace")
        workspace.mkdir()
        (workspace / "README.md").write_text("# A project\n\nWith a few words.\n" * 20)
        with main_server(Path(folder), workspace) as ours, bare_server(Path(folder), workspace) as bare:
            rounds = asyncio.run(measure({"bare SDK server": (bare, "read"), "main": (ours, "files_read")}))
    print(f"{'':<18}{'time':>11}{'CPU':>11}")
    for name, values in rounds.items():
        time_us, cpu_us = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:<18}{time_us:8.0f} µs{cpu_us:8.0f} µs")
    pairs = list(zip(rounds["main"], rounds["bare SDK server"], strict=True))
    times, cpus = (statistics.median(a[part] / b[part] for a, b in pairs) for part in (0, 1))
    print(f"{'main ÷ bare':<18}{times:8.2f}   {cpus:8.2f}      (target: at most {TARGET})")


if __name__ == "__main__":
    main()
