"""The raw client against servers that misbehave in every way that decides between repeating and failing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from docgen_orchestrator.pool import ConnectFailedError, Pool
from docgen_orchestrator.sse import EventSplitter
from docgen_orchestrator.upstream import Call, HttpUpstream, RpcError, UnavailableError

pytestmark = pytest.mark.anyio
Request = tuple[dict[str, str], dict[str, Any]]
Handler = Callable[[int, Request, asyncio.StreamWriter], Awaitable[None]]
READ = Call("tools/list", {}, repeatable=True)
CALL = Call("tools/call", {"name": "x"}, name="x")


async def ignore(_: str, __: Mapping[str, Any]) -> None:
    """No notifications are looked at."""


def reply(request: Request, result: Any = None, **more: str) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": request[1]["id"], "result": result or {}}).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **more}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


class Scripted:
    """A TCP server; ``handler`` gets the request, its number over all connections, and the writer."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Request] = []
        self.connections = 0
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                body = await reader.readexactly(int(headers.get("Content-Length", 0)))
                self.seen.append((headers, json.loads(body or b"{}")))
                await self.handler(len(self.seen), self.seen[-1], writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def scripted(handler: Handler) -> AsyncIterator[tuple[Scripted, HttpUpstream]]:
    script = Scripted(handler)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    upstream = HttpUpstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", "dgk_k")
    try:
        yield script, upstream
    finally:
        upstream.close()
        server.close()


async def test_one_connection_serves_many_requests() -> None:
    async def handler(number: int, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(request, {"n": number}))

    async with scripted(handler) as (script, upstream):
        for number in range(1, 20):
            assert await upstream.request(CALL, ignore) == {"n": number}
        assert script.connections == 1
        headers = script.seen[0][0]
    assert headers["Authorization"] == "Bearer dgk_k"
    assert (headers["MCP-Protocol-Version"], headers["Mcp-Method"], headers["Mcp-Name"]) == (
        "2026-07-28",
        "tools/call",
        "x",
    )


async def test_names_that_are_no_header_values_are_encoded_and_cannot_add_lines() -> None:
    async def handler(_: int, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(request))

    async with scripted(handler) as (script, upstream):
        await upstream.request(Call("tools/call", {}, name="ü\r\nX-Evil: 1"), ignore)
    assert script.seen[0][0]["Mcp-Name"].startswith("=?base64?")
    assert "X-Evil" not in script.seen[0][0]


@pytest.mark.parametrize(("call", "requests"), [(READ, 3), (CALL, 2)])
async def test_only_reads_are_repeated_when_a_kept_connection_ends_without_an_answer(
    call: Call, requests: int
) -> None:
    async def handler(number: int, request: Request, writer: asyncio.StreamWriter) -> None:
        if number == 2:
            writer.close()
        else:
            writer.write(reply(request, {"n": number}))

    async with scripted(handler) as (script, upstream):
        await upstream.request(call, ignore)
        if call.repeatable:
            assert await upstream.request(call, ignore) == {"n": 3}
        else:
            with pytest.raises(UnavailableError) as caught:
                await upstream.request(call, ignore)
            assert caught.value.sent
        assert len(script.seen) == requests


async def test_a_read_is_repeated_once_only() -> None:
    async def handler(_: int, __: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with scripted(handler) as (script, upstream):
        with pytest.raises(UnavailableError):
            await upstream.request(READ, ignore)
        assert len(script.seen) == 2


async def test_nothing_is_repeated_once_a_byte_of_the_answer_came() -> None:
    async def handler(_: int, __: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await writer.drain()
        writer.close()

    async with scripted(handler) as (script, upstream):
        with pytest.raises(UnavailableError):
            await upstream.request(READ, ignore)
        assert len(script.seen) == 1


async def test_a_refused_connection_was_provably_not_sent() -> None:
    upstream = HttpUpstream("http://127.0.0.1:1/mcp", None)
    with pytest.raises(UnavailableError) as caught:
        await upstream.request(CALL, ignore)
    assert not caught.value.sent


async def test_a_connection_with_unread_bytes_is_never_used_again() -> None:
    async def handler(number: int, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(request, {"n": number}) + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with scripted(handler) as (script, upstream):
        for number in range(1, 6):
            with contextlib.suppress(UnavailableError):
                assert await upstream.request(CALL, ignore) == {"n": number}
        assert script.connections == 5


async def test_an_answer_to_another_request_is_refused() -> None:
    async def handler(_: int, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply((request[0], {"id": 999_999})))

    async with scripted(handler) as (_, upstream):
        with pytest.raises(UnavailableError, match="another request"):
            await upstream.request(CALL, ignore)


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 8\r\n\r\n: ping\n\n",
    ],
)
async def test_a_reply_that_is_no_message_is_an_error_at_once(answer: bytes) -> None:
    async def handler(_: int, __: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with scripted(handler) as (_, upstream):
        with pytest.raises(UnavailableError):
            async with asyncio.timeout(5):
                await upstream.request(CALL, ignore)


async def test_a_servers_error_is_passed_on_with_its_data_whatever_the_http_status() -> None:
    async def handler(_: int, request: Request, writer: asyncio.StreamWriter) -> None:
        error = {"code": -32602, "message": "no", "data": {"why": [1]}}
        body = json.dumps({"jsonrpc": "2.0", "id": request[1]["id"], "error": error}).encode()
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async with scripted(handler) as (_, upstream):
        with pytest.raises(RpcError, match="no") as caught:
            await upstream.request(CALL, ignore)
    assert (caught.value.code, caught.value.data) == (-32602, {"why": [1]})


async def test_cancelling_closes_the_connection_at_once() -> None:
    began = asyncio.Event()

    async def handler(_: int, __: Request, ___: asyncio.StreamWriter) -> None:
        began.set()

    async with scripted(handler) as (script, upstream):
        task = asyncio.create_task(upstream.request(CALL, ignore))
        async with asyncio.timeout(5):
            await began.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await script.gone.wait()


async def test_giving_up_a_whole_reply_does_not_hurt_the_next_request_on_the_connection() -> None:
    release = asyncio.Event()

    async def handler(number: int, request: Request, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            note = b'data: {"method":"notifications/progress","params":{"progress":1}}\n\n'
            last = b'data: {"jsonrpc":"2.0","id":%d,"result":{}}\n\n' % request[1]["id"]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(note + last), note + last))
            return
        await release.wait()
        writer.write(reply(request, {"n": number}))

    reading = asyncio.Event()

    async def stuck(_: str, __: Mapping[str, Any]) -> None:
        reading.set()
        await asyncio.sleep(60)

    async with scripted(handler) as (script, upstream):
        first = asyncio.create_task(upstream.request(CALL, stuck))
        async with asyncio.timeout(5):
            await reading.wait()
            second = asyncio.create_task(upstream.request(CALL, ignore))
            while len(script.seen) < 2:
                await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            release.set()
            assert await second == {"n": 2}
        assert script.connections == 1


async def test_a_large_reply_to_a_slow_reader_does_not_pile_up() -> None:
    sent = 0

    async def handler(_: int, request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        note = (
            b'data: {"method":"notifications/progress","params":{"progress":1}}\n\n'
            + b": "
            + b"x" * 65536
            + b"\n"
        )
        for _turn in range(400):
            writer.write(b"%x\r\n%b\r\n" % (len(note), note))
            await writer.drain()
            sent += len(note)
        last = b'data: {"jsonrpc":"2.0","id":%d,"result":{"done":true}}\n\n' % request[1]["id"]
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))

    proceed = asyncio.Event()

    async def slow(_: str, __: Mapping[str, Any]) -> None:
        await proceed.wait()

    async with scripted(handler) as (_, upstream):
        task = asyncio.create_task(upstream.request(CALL, slow))
        before = -1
        async with asyncio.timeout(20):
            while sent != before or not sent:
                before = sent
                await asyncio.sleep(0.2)
            assert sent < 24_000_000
            proceed.set()
            assert await task == {"done": True}


async def test_connections_follow_the_name_to_a_new_address() -> None:
    addresses = ["127.0.0.1"]
    greeted: list[str] = []

    async def look_up(_: str, __: int) -> list[str]:
        return list(addresses)

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(writer.get_extra_info("sockname")[0])

    old = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = old.sockets[0].getsockname()[1]
    new = await asyncio.start_server(accept, "127.0.0.2", port)
    pool = Pool(f"http://main:{port}/mcp", look_up)
    try:
        await pool.verify()
        first = await pool.take()
        addresses[:] = [
            "127.0.0.2"
        ]  # the old address still takes connections, and the kept one is still open
        await pool.verify()
        second = await pool.take()
        assert (first.address, second.address) == ("127.0.0.1", "127.0.0.2")
    finally:
        for server in (old, new):
            server.close()


@pytest.mark.parametrize("failure", [OSError("no such name"), TimeoutError()])
async def test_a_name_without_an_address_fails_fast(failure: Exception) -> None:
    async def look_up(_: str, __: int) -> list[str]:
        if isinstance(failure, TimeoutError):
            await asyncio.sleep(60)
        raise failure

    pool = Pool("http://main:8000/mcp", look_up)
    with pytest.raises(ConnectFailedError, match="name"):
        async with asyncio.timeout(2):
            await pool.take()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_found_however_the_stream_is_cut(size: int) -> None:
    stream = b": ping\r\n\r\nevent: message\r\ndata: one\r\n\r\n"
    stream += b"data:two\ndata: lines\n\nid: 3\n\ndata: last\n\ndata: cut"
    splitter = EventSplitter()
    found = [
        data for begin in range(0, len(stream), size) for data in splitter.feed(stream[begin : begin + size])
    ]
    assert found == [b"one", b"two\nlines", b"last"]
