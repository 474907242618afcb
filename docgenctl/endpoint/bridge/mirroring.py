"""Arguments that a tool wants mirrored in headers (`x-mcp-header` in its schema).

On a pipe there are no headers, so a client has no reason to know them. Hardly any tool asks for them; so the
schemas are read only once a server has refused a call for the lack of one.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.messages import Message, encoded, received
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.endpoint.wire import header_value, headers

_ANNOTATION = "x-mcp-header"
_HEADER_MISMATCH = -32020
_SHORT = 4096
_Places = Mapping[str, tuple[str, ...]]


class MirroringUpstream:
    """Sends requests of 2026-07-28, with those headers where a tool is known to want them.

    One for each client; several threads may use it.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._places: dict[str, _Places] = {}

    def exchange(self, job: Job, message: Message) -> Iterator[bytes]:
        """The messages that answer it, as `Upstream.exchange` gives them and with its errors."""
        more = self._known(message)
        for line in self._send(job, message, more):
            if not more and _wants_more(message, line) and (more := self._learned(job, message)):
                yield from self._send(job, message, more)
                return
            yield line

    def _send(self, job: Job, message: Message, more: dict[str, str]) -> Iterator[bytes]:
        sent = headers(message.method, message.params, message.revision) | more
        return self._upstream.exchange(job, message.line, sent, message.id)

    def _known(self, message: Message) -> dict[str, str]:
        if message.method != "tools/call":
            return {}
        with self._lock:
            places = self._places.get(str(message.params.get("name")), {})
        arguments = message.params.get("arguments")
        return dict(_filled_in(places, arguments if isinstance(arguments, dict) else {}))

    def _learned(self, job: Job, message: Message) -> dict[str, str]:
        """The headers for this call, after reading the schemas of all tools."""
        params = {"_meta": dict(message.meta)}
        body = {"jsonrpc": "2.0", "id": "tools", "method": "tools/list", "params": params}
        *_, line = self._send(job, Message(encoded(body), body), {})
        listed = received(line).body.get("result")
        tools = listed.get("tools") if isinstance(listed, dict) else None
        with self._lock:
            for tool in tools if isinstance(tools, list) else ():
                if isinstance(tool, dict):
                    self._places[str(tool.get("name"))] = dict(_places(tool.get("inputSchema"), ()))
        return self._known(message)


def _wants_more(message: Message, line: bytes) -> bool:
    """Whether a server refused a call because arguments are not mirrored that it wants in headers."""
    if message.method != "tools/call" or len(line) > _SHORT or str(_HEADER_MISMATCH).encode() not in line:
        return False
    error = received(line).body.get("error")
    return isinstance(error, dict) and error.get("code") == _HEADER_MISMATCH


def _places(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Header → path of the argument, for all that is reachable through `properties` alone."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, below in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(below, dict) and isinstance(header := below.get(_ANNOTATION), str):
            yield f"Mcp-Param-{header}", (*path, name)
        yield from _places(below, (*path, name))


def _filled_in(places: _Places, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for header, path in places.items():
        value: Any = arguments
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool):
            yield header, str(value).lower()
        elif isinstance(value, str | int):
            yield header, header_value(str(value))
