"""Middleware: a request needs a key, except for health.

The key comes in ``Authorization: Bearer …`` or ``X-API-Key: …``, never in the query string (which ends up in
logs). Whatever is wrong (none, malformed, unknown, expired, sent twice), the answer is the same 401, so it
teaches nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Container, Iterable
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen_common.errors import SettingsError, error_response
from docgen_common.keys import ApiKey, KeyRing
from docgen_common.open_requests import OpenRequests
from docgen_common.scopes import UNRESTRICTED, Grants
from docgen_common.settings import ServerSettings

OPEN_PATHS = frozenset({"/health", "/health/ready"})
"""What anybody may GET."""

CALLER_HEADER = "X-Docgen-Caller"
"""In which the orchestrator names the key of its own caller; the gateway deletes it from outside."""

POLICY_VIOLATION = 1008
"""WebSocket close code (RFC 6455, 7.4.1) for a listener whose key has ended."""

_MAX_KEY_BYTES = 512
_RELAYING = "upstream-"
_CALLER = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_current: ContextVar[ApiKey | None] = ContextVar("key", default=None)
_caller: ContextVar[str | None] = ContextVar("caller", default=None)


def current_key() -> ApiKey | None:
    """The key that the request being served came with; None where keys are not asked for."""
    return _current.get()


Principal = tuple[str | None, str | None]


def current_principal() -> Principal:
    """The caller, and the hash of the key it came with: another key of the same name is somebody else."""
    key = _current.get()
    return _caller.get(), key.sha256 if key is not None else None


def current_grants() -> Grants:
    """What the request being served may use: what its key gives, or everything where no key is asked for."""
    key = _current.get()
    return UNRESTRICTED if key is None else key.grants


def current_key_id() -> str | None:
    """The id (not the value) of the key that the request being served came with."""
    key = _current.get()
    return key.id if key is not None else None


def current_caller() -> str | None:
    """Whom the request being served is for: the id of the key that the outermost caller came with.

    Behind the orchestrator that is the caller it names; only its own keys (``upstream-<server>``) are
    believed. What belongs to one caller (tasks, events) is kept by this.
    """
    return _caller.get()


def key_ring(settings: ServerSettings) -> KeyRing:
    """The keys of this server.

    Raises SettingsError when there is none although others than this machine can connect, or one is a
    default.
    """
    ring = KeyRing(settings.secrets_dir)
    if not settings.loopback and not ring.keys:
        raise SettingsError(f"refusing to listen on {settings.bind} without any API key (api-keys.json)")
    return ring


class ApiKeyAuth:
    """Lets requests with a key of ``ring`` through, with ``key`` and ``key_id`` in ``scope["state"]``.

    ``key`` is the ApiKey; where keys are not asked for, neither is there. What is still being served when its
    key is revoked or expires is broken off.
    """

    def __init__(self, app: ASGIApp, ring: KeyRing, open_paths: Container[str] = ()) -> None:
        self._app = app
        self._ring = ring
        self._open = open_paths
        self._requests = OpenRequests(ring)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer 401."""
        if scope["type"] == "lifespan" or self._is_open(scope) or not self._ring.enforced:
            await self._app(scope, receive, send)
            return
        raw = presented_key(scope["headers"])
        key = self._ring.find(raw) if raw else None
        if key is None:
            await _unauthorized(scope, receive, send)
            return
        _current.set(key)
        _caller.set(_named_caller(key.id, scope["headers"]))
        scope.setdefault("state", {}).update(key=key, key_id=key.id)
        await self._serve(key, scope, receive, send)

    async def _serve(self, key: ApiKey, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watching(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        request = self._requests.begin(key, task.cancel)
        try:
            await self._app(scope, receive, watching)
        except asyncio.CancelledError:
            if not request.cut:
                raise
            task.uncancel()
            await _break_off(scope, receive, send, started=started)
        finally:
            self._requests.end(request)

    def _is_open(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return False
        return scope["path"] in OPEN_PATHS or scope["path"] in self._open


async def _unauthorized(scope: Scope, receive: Receive, send: Send) -> None:
    answer = error_response(401, "unauthorized", "A valid API key is needed", {"WWW-Authenticate": "Bearer"})
    await answer(scope, receive, send)


async def _break_off(scope: Scope, receive: Receive, send: Send, *, started: bool) -> None:
    """End what was begun; a response that lacks its last part makes the HTTP server close the connection."""
    if not started:
        await _unauthorized(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "the key has ended"})


def _named_caller(key_id: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller that a relaying key names, else the key's own id."""
    wanted = CALLER_HEADER.lower().encode()
    named = [value.decode("latin-1") for name, value in headers if name == wanted]
    if key_id.startswith(_RELAYING) and len(named) == 1 and _CALLER.fullmatch(named[0]):
        return named[0]
    return key_id


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The one key that the header lines carry, or None when there is none, an odd one, or several."""
    candidates: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credentials = value.partition(b" ")
            candidates.append(credentials.strip() if scheme.lower() == b"bearer" else b"")
        elif name == b"x-api-key":
            candidates.append(value.strip())
    distinct = set(candidates)
    if len(distinct) != 1:
        return None
    only = distinct.pop()
    return only.decode("latin-1") if 0 < len(only) <= _MAX_KEY_BYTES else None
