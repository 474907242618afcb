"""Reads an answer's body without trusting its length, stated or compressed."""

import json
import zlib
from typing import Any

import httpx2

from docgen_github.errors import BadAnswer


async def read_body(response: httpx2.Response, limit: int) -> bytes:
    """The decoded body of at most `limit` bytes; `BadAnswer` above it or on a broken encoding.

    The library's own decoder unpacks a whole chunk at once, a thousandfold for a hostile one; here no more
    than `limit` bytes ever exist.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise BadAnswer("GitHub's answer has an encoding that was not asked for.")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    parts: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        part = _inflated(inflate, chunk, limit - size + 1) if inflate else chunk
        size += len(part)
        if size > limit:
            raise BadAnswer(
                f"GitHub's answer is larger than {limit // 1024} KiB and was not read.",
                "ask for fewer entries per page",
            )
        parts.append(part)
    if inflate and size and not inflate.eof:
        raise BadAnswer("GitHub's answer ends before its end.")
    return b"".join(parts)


def parse_json(body: bytes) -> Any:
    """The JSON value of a body; `BadAnswer` for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer(
            "GitHub's answer is not JSON.", "check that options/api_url is a GitHub REST API"
        ) from None


def _inflated(inflate: "zlib._Decompress", chunk: bytes, room: int) -> bytes:
    try:
        return inflate.decompress(chunk, room)
    except zlib.error:
        raise BadAnswer("GitHub's answer is not the gzip it says it is.") from None
