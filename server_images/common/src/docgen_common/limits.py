"""How large and how slow a request may be."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds on one request.

    ``body_bytes``: size of the body, declared or not. ``body_seconds``: time in which the whole body must
    have arrived. ``request_seconds``: time from the first byte to the last byte of the answer, streams
    included. ``stream_seconds``: the same for streams of change notifications, which are opened anew.
    ``bodies_bytes``: what all bodies at once may take together.
    """

    body_bytes: int = DEFAULT_BODY_BYTES
    body_seconds: float = 30.0
    request_seconds: float = 900.0
    stream_seconds: float = 3600.0
    bodies_bytes: int = 64 * 1024 * 1024
