"""What happens in the servers, as it is told at `/events`."""

import http
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docgenctl.endpoint import failures
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.connection import Connection
from docgenctl.endpoint.sse import EventStream

PATH = "/events"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: id to go on after, type such as `file.changed`, and its data."""

    id: str
    type: str
    data: Mapping[str, Any]


class EventListener:
    """Listens to one endpoint. Iterate over it; each wait for events may take as long as it likes.

    Servers fill a silence every 15 s, so `timeout_s` without a byte means that the connection is dead.
    `last_id` is where to go on; `correlation_id` names the listening in the logs. Raises NotHealthyError as
    McpEndpoint does.
    """

    def __init__(
        self, endpoint: Endpoint, *, after: str = "", correlation_id: str = "", timeout_s: float = 45.0
    ) -> None:
        self.last_id = after
        self._correlation_id = correlation_id
        self._endpoint = endpoint
        self._connection = Connection(endpoint, timeout_s=timeout_s)

    def __iter__(self) -> Iterator[Happening]:
        headers = {
            "Authorization": f"Bearer {self._endpoint.read_key().reveal()}",
            "Accept": "text/event-stream",
        }
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        if self._correlation_id:
            headers["X-Correlation-ID"] = self._correlation_id
        response = self._connection.request("GET", PATH, headers=headers, repeatable=True)
        if response.status != http.HTTPStatus.OK:
            self._connection.read(response)
            raise failures.http_status(self._endpoint, response.status, response.getheader("Retry-After"), ())
        events = EventStream()
        while block := self._connection.read_some(response):
            for data in events.feed(block):
                yield self._happening(data)
        raise failures.broken_off(self._endpoint)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _happening(self, data: bytes) -> Happening:
        try:
            told = json.loads(data)
            found = Happening(str(told["id"]), str(told["type"]), dict(told["data"]))
        except (ValueError, TypeError, KeyError):
            raise failures.not_the_protocol(self._endpoint, "an event is not one") from None
        self.last_id = found.id
        return found
