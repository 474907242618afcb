"""A request's body, read to its end and handed on again, for what has to look into it on the way."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import Message, Receive


async def read_body(receive: Receive) -> list[Message]:
    """The messages that make up the request's body; its size is bounded further out."""
    received: list[Message] = []
    while True:
        received.append(await receive())
        if received[-1]["type"] != "http.request" or not received[-1].get("more_body", False):
            return received


def as_message(received: list[Message]) -> dict[str, Any]:
    """The JSON object that the body is; empty when it is none, for the endpoint to say what is wrong."""
    try:
        message = json.loads(b"".join(part.get("body", b"") for part in received))
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def replayed(received: list[Message], receive: Receive) -> Receive:
    """A ``receive`` that gives what was read once more, and then what comes."""
    waiting = iter(received)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again
