"""Trace context and correlation id: in headers between services, in ``_meta`` for what sees no headers.

``traceparent`` in ``_meta`` is the protocol's own (2026-07-28, basic/index, "Trace context"); a server behind
a bridge, or in a process of its own, has nothing else. Each is filled from the other where it is missing, and
neither is changed where both are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docgen_common.correlation import TRACEPARENT, current_correlation_id, current_traceparent

CORRELATION_META_KEY = "docgenctl/correlationId"
"""In the ``_meta`` of each request to a server: the id under which all services log it."""

_TRACEPARENT = "traceparent"


def traced(meta: Mapping[str, Any]) -> dict[str, Any]:
    """``meta`` with the correlation id, and with the trace of the request being served if it has none."""
    correlation_id, trace = current_correlation_id(), current_traceparent()
    return {
        **({_TRACEPARENT: trace} if trace is not None else {}),
        **meta,
        **({CORRELATION_META_KEY: correlation_id} if correlation_id is not None else {}),
    }


def trace_of(meta: Mapping[str, Any]) -> str | None:
    """The value of the header ``traceparent``: the caller's own, else what its ``_meta`` says."""
    said = meta.get(_TRACEPARENT)
    fits = isinstance(said, str) and said.isascii() and TRACEPARENT.fullmatch(said.encode()) is not None
    return current_traceparent() or (said if fits else None)


def well_formed_trace(text: bytes) -> bytes:
    """The ``traceparent`` that ``text`` is as JSON; empty for anything else."""
    said = text[1:-1]
    return said if TRACEPARENT.fullmatch(said) else b""
