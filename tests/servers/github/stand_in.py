"""A GitHub of the tests' own, for what the emulator does not do: errors, limits, ETags, odd answers."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

SHA = "a" * 40


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `value` is sent as JSON unless it is bytes."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    etag: bool = False
    gzipped: bool = False
    drip_s: float = 0.0

    def body(self) -> bytes:
        raw = self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()
        return gzip.compress(raw) if self.gzipped else raw


@dataclass(frozen=True)
class Seen:
    """One request that arrived."""

    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class StandIn:
    """Answers by path: the scripted replies in order, the last one for ever, 404 for the rest."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._replies: dict[str, list[Reply]] = {}
        self.app = Starlette(routes=[Route("/{path:path}", self._serve)])

    def on(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def reset(self) -> None:
        self.seen.clear()
        self._replies.clear()

    def asked(self, path: str) -> int:
        return sum(1 for seen in self.seen if seen.path == path)

    async def _serve(self, request: Request) -> Response:
        path = request.url.path
        self.seen.append(
            Seen(path, request.scope["raw_path"].decode(), dict(request.query_params), dict(request.headers))
        )
        replies = self._replies.get(path)
        if not replies:
            return _json(Reply({"message": "Not Found"}, 404))
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        await asyncio.sleep(reply.delay_s)
        if reply.drip_s:
            return StreamingResponse(_dripping(reply), media_type="application/json")
        if reply.etag:
            tag = f'"{hashlib.sha256(reply.body()).hexdigest()[:16]}"'
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers={"etag": tag, **reply.headers})
            return _json(reply, {"etag": tag})
        return _json(reply)


def _json(reply: Reply, more: Mapping[str, str] | None = None) -> Response:
    headers = {"x-github-request-id": "0:1", **reply.headers, **(more or {})}
    if reply.gzipped:
        headers["content-encoding"] = "gzip"
    return Response(reply.body(), reply.status, headers, media_type="application/json")


async def _dripping(reply: Reply) -> AsyncIterator[bytes]:
    for number in reply.body():
        yield bytes([number])
        await asyncio.sleep(reply.drip_s)


def repository(full_name: str = "octo/demo", **more: Any) -> dict[str, Any]:
    """A repository as GitHub sends it, cut to what matters."""
    return {
        "full_name": full_name,
        "private": False,
        "visibility": "public",
        "default_branch": "main",
        "description": "A demo",
        "html_url": f"https://github.test/{full_name}",
        "stargazers_count": 3,
        "created_at": "2026-01-02T03:04:05Z",
        "pushed_at": None,
    } | more


def pull(number: int = 1, full_name: str = "octo/demo", **more: Any) -> dict[str, Any]:
    """A pull request as GitHub sends it, cut to what matters."""
    return {
        "number": number,
        "state": "open",
        "title": f"Change {number}",
        "body": "Because.",
        "draft": False,
        "user": {"login": "dependabot[bot]"},
        "labels": [{"name": "dependencies"}],
        "head": {"ref": "feature", "sha": SHA, "repo": {"full_name": "fork/demo"}},
        "base": {"ref": "main", "sha": "b" * 40, "repo": {"full_name": full_name}},
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        "merged": False,
        "mergeable": True,
        "mergeable_state": "clean",
        "commits": 2,
        "additions": 10,
        "deletions": 4,
        "changed_files": 3,
    } | more


def changed_file(filename: str = "src/a.py", patch: str | None = "@@ -1 +1 @@\n-a\n+b") -> dict[str, Any]:
    """A changed file as GitHub sends it."""
    value: dict[str, Any] = {
        "sha": "c" * 40,
        "filename": filename,
        "status": "modified",
        "additions": 1,
        "deletions": 1,
        "changes": 2,
    }
    return value if patch is None else {**value, "patch": patch}
