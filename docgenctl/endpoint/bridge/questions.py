"""Questions of the stack to people: an `input_required` result becomes requests to the client.

Clients of the handshake revisions know them as `elicitation/create`, `sampling/createMessage` and
`roots/list`, which a server could send at any time; on a pipe it still can. Their answers go back with the
request, sent again, until the stack has what it needs.
"""

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.messages import Message, RefusalError, encoded, notification

#: Request of the stack → the capability with which a client says that it answers such.
CAPABILITIES = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
_UNANSWERED = -32603


class Questions:
    """Requests to the client that wait for their responses; several threads may ask."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._waiting: dict[str, tuple[threading.Event, list[Message]]] = {}

    def ask_all(
        self, job: Job, requests: Mapping[str, Any], revision: str, capabilities: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The client's results by the stack's keys, all asked at once.

        Raises RefusalError when the client cannot or does not answer, CancelledError when the request that
        all this is for is cancelled meanwhile: the client is told that its answers are not needed any more.
        """
        asked: dict[str, str] = {}
        try:
            for key, request in requests.items():
                asked[key] = self._ask(request, revision, capabilities)
            return {key: self._answer(job, identity) for key, identity in asked.items()}
        finally:
            self._forget(asked.values())

    def answered(self, response: Message) -> None:
        """Take a response of the client; one that nobody waits for is dropped."""
        with self._lock:
            event, answers = self._waiting.get(str(response.id), (threading.Event(), []))
        answers.append(response)
        event.set()

    def _ask(self, request: Any, revision: str, capabilities: Mapping[str, Any]) -> str:
        method = request.get("method") if isinstance(request, dict) else None
        params = request.get("params") if isinstance(request, dict) else None
        params = dict(params) if isinstance(params, dict) else {}
        if CAPABILITIES.get(str(method), "") not in capabilities:
            raise RefusalError(_UNANSWERED, f"The server asks for {method}, which this client does not offer")
        if revision != "2025-11-25" and params.get("mode") == "form":
            del params["mode"]  # the only one there was
        with self._lock:
            identity = f"docgenctl-{next(self._ids)}"
            self._waiting[identity] = (threading.Event(), [])
        body = {"jsonrpc": "2.0", "id": identity, "method": method, **({"params": params} if params else {})}
        self._write(encoded(body))
        return identity

    def _answer(self, job: Job, identity: str) -> Any:
        with self._lock:
            event, answers = self._waiting[identity]
        with job.undone_by(event.set):
            event.wait()  # a person thinks as long as a person thinks
        with job.undone_by(event.set):  # raises when it was the cancelling that woke us
            body = answers[-1].body
        if "result" in body:
            return body["result"]
        error = body["error"] if isinstance(body["error"], dict) else {}
        raise RefusalError(
            _UNANSWERED, f"The client did not answer the server's question: {error.get('message')}"
        )

    def _forget(self, identities: Any) -> None:
        for identity in identities:
            with self._lock:
                _, answers = self._waiting.pop(identity)
            if not answers:
                self._write(encoded(notification("notifications/cancelled", {"requestId": identity})))
