"""A request whose head was taken before is served as the first was, and checked as if it were the first."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from tests.servers.orchestrator.conftest import eventually
from tests.servers.orchestrator.fast.conftest import Here, headers_for, message

pytestmark = pytest.mark.anyio


def request(text: str, number: int, *more: str, tool: str = "red_echo", chunked: bool = False) -> bytes:
    """The bytes of a call; ``more`` are header lines, which stand in front of the length."""
    body = json.dumps(message(tool, {"text": text}, id=number)).encode()
    head = {**headers_for(message("red_echo", {})), "Host": "127.0.0.1", "Content-Type": "application/json"}
    lines = "".join(f"{line}\r\n" for line in (*(f"{n}: {v}" for n, v in head.items()), *more))
    if chunked:
        sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return f"POST /mcp HTTP/1.1\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode() + sent
    return f"POST /mcp HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Caller:
    """One connection. Replies are read one by one, by their announced length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, body

    async def ask(self, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
        for part in parts:
            self.writer.write(part)
            await asyncio.sleep(0)  # so that parts may come one by one
        return await self.reply()


@contextlib.asynccontextmanager
async def connected(here: Here) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


def known(here: Here) -> int:
    return len(here.app.state.http_protocol.heads)


async def test_it_is_the_bodys_content_that_is_answered_not_the_heads(here: Here) -> None:
    before = known(here)
    async with connected(here) as caller:
        for number, text in enumerate(["a", "b", "longer than before", "", "a"]):
            status, _, body = await caller.ask(request(text, number))
            assert status == 200
            answer = json.loads(body)
            assert (answer["id"], answer["result"]["content"][0]["text"]) == (number, text)
            assert here.raw()
            assert known(here) == before + 1


async def test_each_has_its_own_correlation_id(here: Here) -> None:
    async with connected(here) as caller:
        for name in ("x-correlation-id", "X-Correlation-ID"):
            for told in ("one", "two", "three"):
                _, headers, _ = await caller.ask(request("x", 1, f"{name}: {told}"))
                assert headers["x-correlation-id"] == told
        made = {(await caller.ask(request("x", 1)))[1]["x-correlation-id"] for _ in range(3)}
        assert len(made) == 3
        assert here.raw()
        # Said twice, it is the application's, whichever of them was known.
        await caller.ask(request("x", 1, "x-correlation-id: a", "X-Correlation-ID: b"))
        assert not here.raw()


async def test_a_key_that_was_good_is_looked_at_again(here: Here) -> None:
    async with connected(here) as caller:
        assert (await caller.ask(request("x", 1)))[0] == 200
        assert (await caller.ask(request("x", 2)))[0] == 200
        here.write_key(sha256="0" * 64)

        async def refused() -> bool:
            return (await caller.ask(request("x", 3)))[0] == 401

        async with asyncio.timeout(5):
            while not await refused():
                await asyncio.sleep(0.05)


async def test_parts_and_several_at_once_are_answered_in_their_order(here: Here) -> None:
    async with connected(here) as caller:
        for _ in range(2):
            assert (await caller.ask(request("x", 1)))[0] == 200
        whole = request("parts", 2)
        for cut in (1, 20, whole.index(b"\r\n\r\n") + 2, len(whole) - 1):
            _, _, body = await caller.ask(whole[:cut], whole[cut:])
            assert json.loads(body)["id"] == 2
        caller.writer.write(b"".join(request(f"t{number}", number) for number in range(3)))
        assert [json.loads((await caller.reply())[2])["id"] for _ in range(3)] == [0, 1, 2]
        # The second half of one, and a whole one behind it.
        caller.writer.write(whole[:30])
        await asyncio.sleep(0.05)
        caller.writer.write(whole[30:] + request("next", 3))
        assert [json.loads((await caller.reply())[2])["id"] for _ in range(2)] == [2, 3]


async def test_another_request_while_one_is_under_way_waits_for_it(here: Here) -> None:
    running = here.app.state.http_protocol.shared.deadlines.running
    async with connected(here) as caller, connected(here) as other:
        for _ in range(2):
            assert (await caller.ask(request("x", 1)))[0] == 200
        body = json.dumps(message("red_wait", {"label": "known-wait"}, id=8)).encode()
        waiting = request("x", 8).partition(b"\r\n\r\n")[0].replace(b"red_echo", b"red_wait")
        lines = [line for line in waiting.split(b"\r\n") if not line.startswith(b"Content-Length")]
        caller.writer.write(b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body)
        await eventually(lambda: len(running) == 1, 5)
        caller.writer.write(request("later", 9))
        assert (await other.ask(request("x", 1)))[0] == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.reader.read(1), 0.2)


async def test_a_known_head_with_a_body_for_the_application_goes_there(here: Here) -> None:
    async with connected(here) as caller:
        for _ in range(2):
            assert (await caller.ask(request("x", 1)))[0] == 200
        assert here.raw()
        status, _, body = await caller.ask(request("x", 2, tool="blue_echo"))  # not what the head says
        assert not here.raw()
        assert (status, json.loads(body)["error"]["code"]) == (400, -32020)
        assert (await caller.ask(request("x", 3)))[0] == 200
        assert here.raw()


async def test_a_chunked_body_is_for_the_parser(here: Here) -> None:
    before = known(here)
    async with connected(here) as caller:
        for number in range(3):
            status, _, body = await caller.ask(request("x", number, chunked=True))
            assert (status, json.loads(body)["id"]) == (200, number)
        assert known(here) == before


async def test_a_connection_that_is_to_be_closed_is_closed(here: Here) -> None:
    for _ in range(2):
        async with connected(here) as caller:
            _, headers, _ = await caller.ask(request("x", 1, "Connection: close"))
            assert headers["connection"] == "close"
            assert await asyncio.wait_for(caller.reader.read(), 5) == b""
            assert here.raw()
