"""JSON logs on stdout, one object a line: time, level, event, server, then what the event carries.

Lines written while a request is served carry its ``correlation_id`` and ``key_id``. Code logs through
``logging`` or structlog alike; uvicorn's and the SDK's own lines take the same form. Values under names of
credentials are masked.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from docgen_common.auth import current_key_id
from docgen_common.correlation import current_correlation_id, current_traceparent
from docgen_common.settings import ServerSettings

_CREDENTIALS = ("authorization", "api_key", "apikey", "api-key", "password", "secret", "token", "cookie")
_FIRST = ("time", "level", "event", "server", "correlation_id", "key_id")
# Chatty libraries whose information lines say what ours say better.
_QUIET = (
    *("httpx2", "httpcore2", "httpx", "httpcore", "asyncio", "mcp", "sse_starlette"),
    *("anthropic", "openai", "google_genai"),  # at debug they tell whole requests
)


def configure_logs(settings: ServerSettings) -> None:
    """Send every log line of this process to stdout as JSON. May be called again: the last call counts."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _context(settings.server),
        mask_credentials,
    ]
    final: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _ordered,
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final))
    _tell_nothing_unused()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _tell_nothing_unused() -> None:
    """Spare ``logging`` finding out what no line of ours says: who called, in which thread and process."""
    vars(logging)["_srcfile"] = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def mask_credentials(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace the values of fields that are named like a credential, one level of nesting included."""
    for name, value in event.items():
        if _is_credential(name):
            event[name] = "[masked]"
        elif isinstance(value, MutableMapping):
            event[name] = {
                key: "[masked]" if _is_credential(str(key)) else inner for key, inner in value.items()
            }
    return event


@lru_cache(maxsize=1024)
def _is_credential(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _CREDENTIALS)


def _context(server: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["server"] = server
        for name, value in (
            ("correlation_id", current_correlation_id()),
            ("key_id", current_key_id()),
            ("traceparent", current_traceparent()),
        ):
            if value is not None:
                event.setdefault(name, value)
        return event

    return add


def _ordered(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's second rendering of the same line
    first: dict[str, Any] = {name: event.pop(name) for name in _FIRST if event.get(name) is not None}
    return {**first, **{name: value for name, value in event.items() if name not in _FIRST}}
