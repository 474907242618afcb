"""The wire of three vendors on one socket, scripted: what no emulator offers, such as hanging or 100 MB."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Words = str | Callable[[str], str]
#: in pieces of 64 KiB
HUNDRED_MB = 1600
KINDS = ("anthropic", "openai", "google")


@dataclass(frozen=True)
class Reply:
    """One scripted answer. `words` may be made of the user's message; `then` is what happens after them."""

    words: Words = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    then: str = "complete"
    body: bytes | None = None


@dataclass
class Vendors:
    """Answers from the queue, then with `otherwise`; keeps every request with headers and body."""

    otherwise: Reply = field(default_factory=lambda: Reply("Fine."))
    replies: deque[Reply] = field(default_factory=deque)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    closed: anyio.Event | None = None
    url: str = ""

    def reset(self) -> None:
        self.otherwise = Reply("Fine.")
        self.replies.clear()
        self.requests.clear()

    @property
    def prompts(self) -> list[str]:
        """The user's message of each request."""
        return [_user(body) for _, body in self.requests]

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/messages", self._answer, methods=["POST"]),
                Route("/v1/chat/completions", self._answer, methods=["POST"]),
                Route("/v1beta/models/{model:path}", self._answer, methods=["POST"]),
            ]
        )

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append((dict(request.headers), body))
        reply = self.replies.popleft() if self.replies else self.otherwise
        if reply.status != 200:
            error = {"type": "error", "error": {"type": "x", "code": reply.status, "message": "leaked-words"}}
            return JSONResponse(error, reply.status, headers=reply.headers)
        if reply.body is not None:
            return Response(reply.body, headers=reply.headers, media_type="text/event-stream")
        wire = _WIRES[request.url.path.split("/")[1:3][1] if "v1/" in request.url.path else "models"]
        words = reply.words(_user(body)) if callable(reply.words) else reply.words
        return StreamingResponse(
            _stream(wire, words, reply.then), headers=reply.headers, media_type="text/event-stream"
        )


def _user(body: dict[str, Any]) -> str:
    if "contents" in body:
        return str(body["contents"][0]["parts"][0]["text"])
    return str(body["messages"][-1]["content"])


async def _stream(wire: Any, words: str, then: str) -> AsyncIterator[bytes]:
    begin, piece, end = wire
    for event in begin:
        yield event
    middle = len(words) // 2
    for part in (words[:middle], words[middle:]):
        yield piece(part)
        if then == "cut":
            return
        if then == "hang":
            await anyio.sleep_forever()
        if then == "garbage":
            yield b"event: content_block_delta\ndata: {not json\n\n"
        for _ in range(HUNDRED_MB if then == "flood" else 0):
            yield piece("x" * 65_536)
        for _ in range(HUNDRED_MB if then == "one endless line" else 0):
            yield b"x" * 65_536
    for event in end(then):
        yield event


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _data(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


_MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "usage": {"input_tokens": 100, "output_tokens": 1},
}
_STOPS = {
    "complete": ("end_turn", "stop", "STOP"),
    "length": ("max_tokens", "length", "MAX_TOKENS"),
    "refused": ("refusal", "content_filter", "SAFETY"),
    "tool": ("tool_use", "tool_calls", "UNEXPECTED_TOOL_CALL"),
}


def _stop(then: str, vendor: int) -> str:
    return _STOPS.get(then, _STOPS["complete"])[vendor]


def _anthropic_piece(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return _event("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta})


def _anthropic_end(then: str) -> list[bytes]:
    delta = {
        "type": "message_delta",
        "delta": {"stop_reason": _stop(then, 0)},
        "usage": {"output_tokens": 40},
    }
    return [_event("message_delta", delta), _event("message_stop", {"type": "message_stop"})]


def _openai_chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return _data(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more
    )


def _openai_end(then: str) -> list[bytes]:
    usage = {"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140}
    return [
        _openai_chunk({}, _stop(then, 1)),
        _openai_chunk({}, None, choices=[], usage=usage),
        b"data: [DONE]\n\n",
    ]


def _google_piece(text: str) -> bytes:
    return _data({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]})


def _google_end(then: str) -> list[bytes]:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 40, "totalTokenCount": 140}
    return [_data({"candidates": [{"finishReason": _stop(then, 2)}], "usageMetadata": usage})]


_WIRES: dict[str, Any] = {
    "messages": (
        [
            _event("message_start", {"type": "message_start", "message": _MESSAGE}),
            _event(
                "content_block_start",
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            ),
        ],
        _anthropic_piece,
        _anthropic_end,
    ),
    "chat": (
        [_openai_chunk({"role": "assistant", "content": ""})],
        lambda text: _openai_chunk({"content": text}),
        _openai_end,
    ),
    "models": ([], _google_piece, _google_end),
}
