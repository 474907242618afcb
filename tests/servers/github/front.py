"""A proxy in front of the GitHub emulator, for what it lacks: refusals, limits, lost answers, ETags.

It keeps every request it sees. What it adds to the emulator is what GitHub does and the emulator does not:
401 for an unknown token, commit statuses, comments on lines instead of positions, 409 for a moved head.
"""

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2

#: Tokens that are good at first, and whose they are.
TOKENS = {"tok_bot": "bot", "tok_rev": "rev"}
_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive", "date"}


@dataclass(frozen=True)
class Asked:
    """One request that arrived, from `peer`; the target is below the base, the body is parsed JSON."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any
    peer: str = ""

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))


@dataclass
class Fault:
    """What happens to the next `times` requests of this method whose path matches.

    answer: `status` without asking the emulator. lost: the emulator does it, then the connection is cut.
    broken: likewise, but `status` is answered. late: the connection is cut, and the emulator does it after
    `delay_s`. cut: the connection is cut and nothing is done. meanwhile: `action` is done, then the emulator
    is asked as usual.
    """

    method: str
    path: str
    kind: Literal["answer", "lost", "broken", "late", "cut", "meanwhile"]
    status: int = 502
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    times: int = 1
    delay_s: float = 0.0
    action: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Front:
    """Runs in a thread; `faults` and `tokens` may be changed while it does.

    Args:
        emulator: the emulator's URL.
        base: path below which the API is, such as `/api/v3`.
    """

    def __init__(self, emulator: str, base: str = "") -> None:
        self.url = ""
        self.base = base
        self.tokens = dict(TOKENS)
        self.seen: list[Asked] = []
        self.faults: list[Fault] = []
        self.statuses: dict[str, list[dict[str, str]]] = {}
        self.scopes = "repo, user"
        self._emulator = emulator
        self._sent = 0
        self._http = httpx2.AsyncClient(base_url=emulator, trust_env=False, timeout=30)
        self._late: set[asyncio.Task[Any]] = set()

    def asked(self, method: str, path: str) -> list[Asked]:
        """The requests that arrived of this method and path (a regular expression)."""
        return [one for one in self.seen if one.method == method and re.fullmatch(path, one.path)]

    @property
    def writes(self) -> list[Asked]:
        """Everything that arrived and was no GET."""
        return [one for one in self.seen if one.method != "GET"]

    def fail(self, method: str, path: str, kind: Any, **more: Any) -> None:
        self.faults.append(Fault(method, path, kind, **more))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            asked = await self._read(reader, writer.get_extra_info("peername")[0])
            self.seen.append(asked)
            answer = await self._answer(asked)
            if answer is not None:
                head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                length = "" if answer.status in (204, 304) else f"content-length: {len(answer.body)}\r\n"
                start = f"HTTP/1.1 {answer.status} Answer\r\n{head}{length}connection: close\r\n\r\n"
                writer.write(start.encode() + answer.body)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._http.aclose()

    async def _answer(self, asked: Asked) -> _Answer | None:
        """None cuts the connection."""
        fault = self._fault(asked)
        if fault is None:
            return await self._like_github(asked)
        if fault.kind == "answer":
            return _json(fault.status, fault.body or {"message": "no"}, fault.headers)
        if fault.kind == "meanwhile":
            await asyncio.to_thread(fault.action)
            return await self._like_github(asked)
        if fault.kind == "late":
            task = asyncio.create_task(self._later(asked, fault.delay_s))
            self._late.add(task)
            return None
        if fault.kind in ("lost", "broken"):
            await self._like_github(asked)
        return _json(fault.status, {"message": "no"}, fault.headers) if fault.kind == "broken" else None

    def _fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.method == asked.method and re.fullmatch(fault.path, asked.path):
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _later(self, asked: Asked, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._like_github(asked)

    async def _like_github(self, asked: Asked) -> _Answer:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _json(401, {"message": "Bad credentials"})
        if not asked.target.startswith("/"):
            return _json(404, {"message": "Not Found"})
        status = re.fullmatch(r"/repos/[^/]+/[^/]+/commits/([0-9a-f]{40})/status", asked.path)
        if status:
            found = self.statuses.get(status.group(1), [])
            return _json(200, {"state": "pending", "statuses": found, "total_count": len(found)})
        return self._with_etag(asked, await self._emulated(asked))

    async def _emulated(self, asked: Asked) -> _Answer:
        body = asked.body
        if isinstance(body, dict) and "comments" in body:
            body = {**body, "comments": [{**one, "position": one["line"]} for one in body["comments"]]}
        sent = {"accept": asked.headers.get("accept", ""), "authorization": self._another_token(asked)}
        content = None if body is None else json.dumps(body).encode()
        reply = await self._http.request(asked.method, asked.target, headers=sent, content=content)
        raw = reply.content.replace(self._emulator.encode(), self.url.encode())
        if reply.status_code == 422 and b"Head sha is out of date" in raw:
            return _json(409, {"message": "Head branch was modified. Review and try the merge again."})
        headers = {
            name: value.replace(self._emulator, self.url)
            for name, value in reply.headers.items()
            if name not in _HOP
        }
        return _Answer(reply.status_code, headers | {"x-oauth-scopes": self.scopes}, raw)

    def _another_token(self, asked: Asked) -> str:
        """One of the user's many tokens: the emulator counts each one's requests, 5,000 in an hour."""
        self._sent += 1
        login = self.tokens[asked.headers["authorization"].removeprefix("Bearer ")]
        return f"Bearer tok_{login}" + (f"_{self._sent % 20}" if login == "bot" else "")

    async def _read(self, reader: asyncio.StreamReader, peer: str) -> Asked:
        """A request; the target of one that is not below the base is made one that leads nowhere."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {}
        for line in head[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        below = target.removeprefix(self.base) if target.startswith(f"{self.base}/") else "nowhere"
        return Asked(method, below, headers, json.loads(raw) if raw else None, peer)

    def _with_etag(self, asked: Asked, answer: _Answer) -> _Answer:
        if asked.method != "GET" or answer.status != 200:
            return answer
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:20]}"'
        if asked.headers.get("if-none-match") == etag:
            return _Answer(304, {"etag": etag}, b"")
        return _Answer(200, answer.headers | {"etag": etag}, answer.body)


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> _Answer:
    return _Answer(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(value).encode()
    )


@contextmanager
def fronting(emulator: str, *, address: str = "127.0.0.1", base: str = "") -> Iterator[Front]:
    """A running front at an address of this machine."""
    loop = asyncio.new_event_loop()
    front = Front(emulator, base)
    server = loop.run_until_complete(asyncio.start_server(front.serve, address, 0))
    front.url = f"http://{address}:{server.sockets[0].getsockname()[1]}{base}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        asyncio.run_coroutine_threadsafe(_end(server, front), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server, front: Front) -> None:
    server.close()
    await front.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
