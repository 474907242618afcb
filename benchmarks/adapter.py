"""What the adapter costs before a server of stdin and stdout, against the same server asked over its pipes.

    make bench, or PYTHONPATH=<every server_images/*/src> python benchmarks/adapter.py

Both ways are measured in one run, in turns: one caller, then eight, each with one call under way. Over the
pipes all callers share them, as they share the adapter's. The adapter runs as in its container, but for the
container: key, limits, log lines, metrics, over HTTP on loopback. Ratios are made within a round; medians are
printed. CPU is the adapter's own, with eight callers. Memory is each process's after all calls: what it
shares with others counts in part (PSS) or in full (RSS).
"""

import asyncio
import contextlib
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from asyncio.subprocess import Process as Child
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from _load import Load, Target, run
from _processes import Process, descendants, free_port, python_program, server_sources, started
from _servers import KEY, META

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS, CALLERS, READY_S = 1.0, 8, 60.0
KINDS = {"bare": "a loop over lines", "sdk": "the official SDK"}
CALL = {"name": "echo", "arguments": {"text": "hello"}}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


@dataclass(frozen=True)
class Seen:
    """One way in one round: µs of a call alone, calls a second alone and together, CPU µs of the adapter."""

    alone_us: float
    alone: float
    together: float
    cpu_us: float = 0.0


class Pipes:
    """A server asked over its pipes, by any number of callers at once."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0
        self._reading = asyncio.create_task(self._read())

    async def ask(self, method: str, params: object) -> bytes:
        """The line that answers."""
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._write({"id": number, "method": method, "params": params})
        return await answer

    async def begin(self) -> None:
        """The handshake."""
        await self.ask("initialize", HELLO)
        self._write({"method": "notifications/initialized"})

    async def run(self, callers: int, seconds: float) -> Load:
        """Call for so long."""
        load, begun = Load(), time.perf_counter()

        async def caller() -> None:
            while (now := time.perf_counter()) < begun + seconds:
                line = await self.ask("tools/call", CALL)
                load.took.append(time.perf_counter() - now)
                if b'"error"' in line or b'"isError":true' in line:
                    raise SystemExit(f"a failure: {line!r}")

        await asyncio.gather(*(caller() for _ in range(callers)))
        load.seconds = time.perf_counter() - begun
        return load

    async def end(self) -> None:
        """Close its input, wait for its end."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        await self.child.wait()
        await self._reading

    def _write(self, message: dict[str, object]) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self) -> None:
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            answered = self._waiting.pop(json.loads(line).get("id"), None)
            if answered is not None:
                answered.set_result(line)


@contextlib.asynccontextmanager
async def piped(kind: str) -> AsyncIterator[Pipes]:
    """The server by itself."""
    child = await asyncio.create_subprocess_exec(*command(kind), stdin=PIPE, stdout=PIPE)
    pipes = Pipes(child)
    await pipes.begin()
    yield pipes
    await pipes.end()


@contextlib.contextmanager
def adapted(kind: str, folder: Path) -> Iterator[Process]:
    """The same behind an adapter."""
    for part in ("config", "secrets", "work"):
        (folder / part).mkdir(parents=True)
    (folder / "config/server.json").write_text(json.dumps({"options": {"command": command(kind)}}))
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = {"id": "default", "sha256": digest, "scopes": ["*"], "expires": None}
    (folder / "secrets/api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
    port = free_port()
    environ = {
        "DOCGEN_SERVER": kind,
        "DOCGEN_BIND": "127.0.0.1",
        "DOCGEN_PORT": str(port),
        "DOCGEN_CONFIG_DIR": str(folder / "config"),
        "DOCGEN_SECRETS_DIR": str(folder / "secrets"),
        "DOCGEN_DATA": str(folder / "work"),
        "PYTHONPATH": server_sources(),
    }
    with started([sys.executable, "-m", "docgen_adapter"], port, folder / "log", environ) as process:
        yield process


def command(kind: str) -> list[str]:
    """What runs a server."""
    return python_program("_stdio_server.py", kind)


def target(process: Process) -> Target:
    """One call at the adapter, on the wire that the orchestrator speaks."""
    message = {"jsonrpc": "2.0", "id": "NUMBER", "method": "tools/call", "params": {**CALL, "_meta": META}}
    lines = [
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{process.port}",
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: echo",
    ]
    head = "".join(f"{line}\r\n" for line in lines).encode()
    return Target(process.port, head, json.dumps(message).encode().replace(b'"NUMBER"', b"%d"))


async def until_ready(calls: Target) -> None:
    """Wait for the adapter to have its server, then let it warm up."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            await run(calls, 1, calls=1)
            break
        except (SystemExit, OSError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
    await run(calls, CALLERS, seconds=0.3)


async def measure(kind: str, process: Process) -> tuple[list[Seen], list[Seen]]:
    """Each round over the pipes and through the adapter; memory is printed while all still run."""
    calls = target(process)
    await until_ready(calls)
    own = Process(process.port, process.pid)
    direct: list[Seen] = []
    through: list[Seen] = []
    async with piped(kind) as pipes:
        await pipes.run(CALLERS, 0.3)
        for _ in range(ROUNDS):
            direct.append(seen(await pipes.run(1, SECONDS), await pipes.run(CALLERS, SECONDS)))
            alone, used = await run(calls, 1, seconds=SECONDS), own.cpu_s()
            together = await run(calls, CALLERS, seconds=SECONDS)
            through.append(seen(alone, together, own.cpu_s() - used))
        (child,) = descendants(process.pid)
        ours = {
            "adapter": process,
            "its server": Process(0, child),
            "asked directly": Process(0, pipes.child.pid),
        }
        print_memory(kind, ours)
    return direct, through


def seen(alone: Load, together: Load, cpu_s: float = 0.0) -> Seen:
    """The figures of a round."""
    cpu_us = cpu_s / len(together.took) * 1e6
    return Seen(statistics.median(alone.took) * 1e6, alone.rate, together.rate, cpu_us)


def print_memory(kind: str, processes: dict[str, Process]) -> None:
    """PSS and RSS of each process."""
    for name, process in processes.items():
        pss, rss = process.pss_kib() / 1024, process.rss_kib() / 1024
        print(f"{KINDS[kind]:<20}{name:<16}{pss:7.1f} MiB PSS{rss:8.1f} MiB RSS")


def print_calls(kind: str, direct: Sequence[Seen], through: Sequence[Seen]) -> None:
    """A line for each way, and one for what lies between them."""
    for name, rounds in (("over pipes", direct), ("by adapter", through)):
        figures = (median(getattr(one, part) for one in rounds) for part in ("alone_us", "alone", "together"))
        alone_us, alone, together = figures
        print(f"{KINDS[kind]:<20}{name:<14}{alone_us:7.0f} µs{alone:9,.0f}/s{together:9,.0f}/s")
    pairs = list(zip(through, direct, strict=True))
    added = median(a.alone_us - b.alone_us for a, b in pairs)
    times, alone, together = (
        median(getattr(a, part) / getattr(b, part) for a, b in pairs)
        for part in ("alone_us", "alone", "together")
    )
    cpu_us = median(one.cpu_us for one in through)
    print(
        f"{'':<20}{'÷ pipes':<14}{times:7.2f}   {alone:9.2f}  {together:9.2f}  "
        f"   {added:+,.0f} µs a call, {cpu_us:,.0f} µs CPU"
    )


def median(values: Iterator[float]) -> float:
    """The median of what an iterator gives."""
    return statistics.median(list(values))


def main() -> None:
    """Measure both kinds of servers, print."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            with adapted(kind, Path(folder, kind)) as process:
                found[kind] = uvloop.run(measure(kind, process))
    print(f"\n{'server':<20}{'asked':<14}{'one: p50':>10}{'calls':>11}{f'{CALLERS} at once':>11}")
    for kind, (direct, through) in found.items():
        print_calls(kind, direct, through)


if __name__ == "__main__":
    main()
