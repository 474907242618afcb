"""How the orchestrator's raw client compares with general HTTP clients, before the same server.

    PYTHONPATH=server_images/common/src:server_images/orchestrator/src python benchmarks/upstream_clients.py

Each client sends the same JSON-RPC call to a bare ASGI application on uvicorn in a process of its own: one
caller first, then 32. Rounds are interleaved, the median is printed; CPU is the client process's own. Clients
that are not installed (aiohttp is not needed by the product) are left out.
"""

import asyncio
import importlib.util
import json
import multiprocessing
import resource
import socket
import statistics
import time
from collections.abc import Awaitable, Callable

from docgen_orchestrator.upstream import Call, HttpUpstream

CALL = Call("tools/call", {"name": "echo", "arguments": {"text": "hello"}}, name="echo")
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "echo",
}
Send = Callable[[], Awaitable[object]]
ROUNDS, ALONE, TOGETHER, CALLERS = 5, 500, 2000, 32


async def echo_app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    request = json.loads(body)
    answer = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": request["params"]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def serve(port):
    import uvicorn

    uvicorn.run(echo_app, host="127.0.0.1", port=port, log_level="error", lifespan="off", access_log=False)


def message():
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": CALL.method, "params": CALL.params})


async def ours(url, use):
    async def ignore(*_):
        return None

    upstream = HttpUpstream(url, None)
    await use("ours", lambda: upstream.request(CALL, ignore))
    upstream.close()


async def with_aiohttp(url, use):
    import aiohttp

    async with aiohttp.ClientSession(headers=HEADERS, trust_env=False) as session:

        async def send():
            async with session.post(url, data=message()) as reply:
                return json.loads(await reply.read())

        await use("aiohttp", send)


async def with_httpx2(url, use):
    import httpx2

    async with httpx2.AsyncClient(headers=HEADERS, trust_env=False) as client:

        async def send():
            async with client.stream("POST", url, content=message()) as reply:
                return json.loads(await reply.aread())

        await use("httpx2", send)


async def measure(send: Send) -> tuple[float, float, float]:
    """Median µs alone, calls a second together, CPU µs a call together."""
    for _ in range(50):
        await send()
    alone = []
    for _ in range(ALONE):
        begun = time.perf_counter()
        await send()
        alone.append(time.perf_counter() - begun)
    todo = iter(range(TOGETHER))

    async def caller():
        for _ in todo:
            await send()

    used, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return statistics.median(alone) * 1e6, TOGETHER / took, cpu / TOGETHER * 1e6


async def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    found: dict[str, list[tuple[float, float, float]]] = {}

    async def use(name, send):
        found.setdefault(name, []).append(await measure(send))

    url = f"http://127.0.0.1:{port}/mcp"
    for _ in range(ROUNDS):
        await ours(url, use)
        for name, run in (("aiohttp", with_aiohttp), ("httpx2", with_httpx2)):
            if importlib.util.find_spec(name):
                await run(url, use)
    server.terminate()
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    print(f"{'client':<10}{'p50 alone':>12}{f'calls/s @{CALLERS}':>16}{'÷ ours':>9}{'CPU/call':>12}")
    for name, (alone, rate, cpu) in medians.items():
        print(f"{name:<10}{alone:>9.0f} µs{rate:>16.0f}{rate / medians['ours'][1]:>9.2f}{cpu:>9.0f} µs")


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
