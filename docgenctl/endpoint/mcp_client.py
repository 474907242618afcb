"""A small MCP client for one endpoint: revision 2026-07-28, one connection, answers as they arrive."""

import base64
import binascii
import http.client
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from docgenctl.endpoint import failures, wire
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.connection import Connection
from docgenctl.endpoint.sse import EventStream
from docgenctl.model.errors import NotHealthyError

_MOST_PAGES = 1000
_DRAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is: `progress` of `total` (None when the server does not know), and what it does."""

    progress: float
    total: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returned: `raw` is the result object of the wire."""

    raw: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """False when the server wants more from the client first (`input_required`, `task`)."""
        return bool(self.raw.get("resultType", "complete") == "complete")

    @property
    def is_error(self) -> bool:
        """The tool ran and failed; `text` says why."""
        return self.raw.get("isError") is True

    @property
    def text(self) -> str:
        """All text blocks, one after the other."""
        content = self.raw.get("content")
        blocks = content if isinstance(content, list) else []
        return "\n".join(
            str(block.get("text", ""))
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "text"
        )

    @property
    def structured(self) -> Any:
        """The structured content, None without."""
        return self.raw.get("structuredContent")


@dataclass(frozen=True, slots=True)
class ResourceContent:
    """One part of a resource; `data` is its bytes, text being UTF-8."""

    uri: str
    mime_type: str
    data: bytes


class McpEndpoint:
    """Speaks MCP with one endpoint over one kept-alive connection; not for several threads at once.

    `timeout_s` bounds silence: a call may take as long as it likes while bytes arrive (progress, or the
    keep-alive comments that servers send). The API key is read from its file for each request.

    Every method raises NotHealthyError, told apart by `code`: `unreachable`, `tls`, `ca_missing`,
    `key_missing`, `unauthorized`, `forbidden`, `rate_limited`, `too_large`, `upstream_down`,
    `connection_closed`, `timed_out`, `protocol`; and RpcError (`rpc_error`) for the server's own errors.
    An exception on the way, KeyboardInterrupt included, closes the connection, which cancels the call.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 60.0) -> None:
        self.endpoint = endpoint
        self._connection = Connection(endpoint, timeout_s=timeout_s)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._connection.close()

    def discover(self) -> Mapping[str, Any]:
        """What the server is and speaks (`server/discover`)."""
        return self.request("server/discover", {})

    def list_tools(self) -> tuple[Mapping[str, Any], ...]:
        """All tools, page by page, in the server's order."""
        tools: list[Mapping[str, Any]] = []
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = self.request("tools/list", {} if cursor is None else {"cursor": cursor})
            listed = page.get("tools")
            tools.extend(tool for tool in listed if isinstance(tool, dict)) if isinstance(
                listed, list
            ) else None
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str):
                return tuple(tools)
            if cursor in seen:
                break
            seen.add(cursor)
        raise failures.not_the_protocol(self.endpoint, "its list of tools has no end")

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> ToolResult:
        """Call a tool; `on_progress` is called for each report while the tool runs.

        A tool that fails is a result with `is_error`, not an exception.
        """
        params = {"name": name, "arguments": dict(arguments)}
        return ToolResult(self.request("tools/call", params, on_progress))

    def read_resource(self, uri: str) -> tuple[ResourceContent, ...]:
        """All parts of a resource."""
        contents = self.request("resources/read", {"uri": uri}).get("contents")
        parts = contents if isinstance(contents, list) else []
        return tuple(self._resource(part) for part in parts if isinstance(part, dict))

    def request(
        self,
        method: str,
        params: Mapping[str, Any],
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Mapping[str, Any]:
        """Any request of the protocol; returns its result object."""
        request_id = next(self._ids)
        body, headers = wire.encode(method, params, request_id, progress=on_progress is not None)
        headers["Authorization"] = f"Bearer {self.endpoint.read_key().reveal()}"
        response = self._connection.request(
            "POST", self.endpoint.path, body=body, headers=headers, repeatable=method in wire.REPEATABLE
        )
        try:
            if response.status == http.HTTPStatus.OK and _media_type(response) == "text/event-stream":
                return self._streamed(response, request_id, on_progress)
            return self._whole(response, request_id)
        except failures.RpcError:
            raise
        except BaseException:
            self._connection.close()
            raise

    def _whole(self, response: http.client.HTTPResponse, request_id: int) -> Mapping[str, Any]:
        message = failures.json_object(self._connection.read(response))
        details = failures.correlation(response.getheader("X-Correlation-ID"))
        answer = message is not None and ("result" in message or isinstance(message.get("error"), dict))
        if message is None or not answer or response.status in (401, 403, 429):
            raise self._status(response, details)
        return self._result(message, request_id, details)

    def _status(self, response: http.client.HTTPResponse, details: tuple[str, ...]) -> NotHealthyError:
        if response.status == http.HTTPStatus.OK:
            return failures.not_the_protocol(self.endpoint, "its answer is not JSON-RPC", details)
        retry_after = response.getheader("Retry-After")
        return failures.http_status(self.endpoint, response.status, retry_after, details)

    def _streamed(
        self,
        response: http.client.HTTPResponse,
        request_id: int,
        on_progress: Callable[[Progress], object] | None,
    ) -> Mapping[str, Any]:
        details = failures.correlation(response.getheader("X-Correlation-ID"))
        events = EventStream()
        while block := self._connection.read_some(response):
            for data in events.feed(block):
                message = failures.json_object(data)
                if message is None:
                    raise failures.not_the_protocol(self.endpoint, "an event is not JSON-RPC", details)
                if "method" not in message:
                    self._connection.finish(response, _DRAIN_S)
                    return self._result(message, request_id, details)
                if on_progress is not None and (progress := _progress(message, request_id)):
                    on_progress(progress)
        raise failures.broken_off(self.endpoint, details)

    def _result(
        self, message: Mapping[str, Any], request_id: int, details: tuple[str, ...]
    ) -> Mapping[str, Any]:
        error, result = message.get("error"), message.get("result")
        if isinstance(error, dict) and message.get("id") in (request_id, None):
            raise failures.rpc_error(error, details)
        if message.get("id") != request_id or not isinstance(result, dict):
            raise failures.not_the_protocol(self.endpoint, "the answer is not to this question", details)
        return result

    def _resource(self, part: Mapping[str, Any]) -> ResourceContent:
        try:
            data = (
                base64.b64decode(str(part["blob"]), validate=True)
                if "blob" in part
                else str(part.get("text", "")).encode()
            )
        except binascii.Error:
            raise failures.not_the_protocol(self.endpoint, "a resource is not valid base64") from None
        return ResourceContent(str(part.get("uri", "")), str(part.get("mimeType", "")), data)


def _media_type(response: http.client.HTTPResponse) -> str:
    return (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()


def _progress(message: Mapping[str, Any], request_id: int) -> Progress | None:
    """The report in the message, None when it is another notification or about another request."""
    params = message.get("params")
    if message.get("method") != "notifications/progress" or not isinstance(params, dict):
        return None
    done, total = _number(params.get("progress")), _number(params.get("total"))
    if params.get("progressToken") != request_id or done is None:
        return None
    return Progress(done, total, str(params.get("message") or ""))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
