"""Clients of the handshake revisions: what their session remembers, and their requests."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.endpoint.bridge import shapes
from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.listening import LIST_CHANGES, Listening
from docgenctl.endpoint.bridge.messages import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Message,
    RefusalError,
    encoded,
    failure,
    notification,
    received,
    result,
)
from docgenctl.endpoint.bridge.mirroring import MirroringUpstream
from docgenctl.endpoint.bridge.offer import discover
from docgenctl.endpoint.bridge.questions import CAPABILITIES, Questions
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.endpoint.wire import META, PROTOCOL_VERSION

_CARRIED = frozenset(
    {
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
    }
)
_MOST_ROUNDS = 10
_MOST_SUBSCRIPTIONS = 64
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.25
#: How long a subscription waits for its stream to begin.
_PATIENCE_S = 5.0


class LegacySession:
    """One client, from its `initialize` to its end.

    `start` runs a function on a thread of its own; `write` takes lines for the client.
    """

    def __init__(
        self,
        upstream: Upstream,
        write: Callable[[bytes], None],
        start: Callable[[Callable[[], None]], None],
        log: Callable[[str], None],
    ) -> None:
        self.questions = Questions(write)
        self._upstream = upstream
        self._mirroring = MirroringUpstream(upstream)
        self._write = write
        self._start = start
        self._log = log
        self._revision = ""
        self._client: Mapping[str, Any] = {}
        self._capabilities: Mapping[str, Any] = {}
        self._log_level: Any = None
        self._guessed = False
        self._lock = threading.Lock()
        self._streams: dict[str, Job] = {}

    def answer(self, job: Job, message: Message) -> None:
        """Answer one request. Raises RefusalError, CancelledError, and DocgenError when the stack is away."""
        own = {
            "initialize": self._initialize,
            "ping": lambda _job, _message: {},
            "resources/subscribe": self._subscribe,
            "resources/unsubscribe": self._unsubscribe,
            "logging/setLevel": self._set_level,
        }.get(message.method)
        if message.method not in ("initialize", "ping") and not self._revision:
            raise RefusalError(INVALID_REQUEST, "Invalid request: the session begins with initialize")
        if own is not None:
            self._write(encoded(result(message.id, own(job, message))))
        elif message.method in _CARRIED:
            self._carry(job, message)
        else:
            raise RefusalError(METHOD_NOT_FOUND, f"Method not found: {message.method}")

    def initialized(self) -> None:
        """The client is ready for notifications: let it hear of changed lists from now on."""
        if not self._revision:
            return
        with self._lock:
            if "" in self._streams:
                return
            job = self._streams[""] = Job()
        self._listen(job, dict.fromkeys(LIST_CHANGES, True), missed=self._guessed)

    def close(self) -> None:
        """End what listens."""
        with self._lock:
            jobs = list(self._streams.values())
        for job in jobs:
            job.cancel()

    # -- requests that are answered here ---------------------------------------------------------------
    def _initialize(self, job: Job, message: Message) -> Mapping[str, Any]:
        capabilities, client = message.params.get("capabilities"), message.params.get("clientInfo")
        self._capabilities = capabilities if isinstance(capabilities, dict) else {}
        self._client = client if isinstance(client, dict) else {"name": "unknown", "version": "0"}
        discovered, self._guessed = discover(self._upstream, job, self._envelope({}), self._log)
        answer = shapes.initialize_result(message.params.get("protocolVersion"), discovered)
        self._revision = answer["protocolVersion"]
        return answer

    def _subscribe(self, _: Job, message: Message) -> Mapping[str, Any]:
        uri = message.params.get("uri")
        if not isinstance(uri, str) or not uri:
            raise RefusalError(-32602, "Invalid params: uri must be text")
        with self._lock:
            if uri in self._streams:
                return {}
            if len(self._streams) > _MOST_SUBSCRIPTIONS:
                raise RefusalError(-32602, f"Only {_MOST_SUBSCRIPTIONS} resources can be subscribed to")
            job = self._streams[uri] = Job()
        self._listen(job, {"resourceSubscriptions": [uri]}, missed=False)
        return {}

    def _unsubscribe(self, _: Job, message: Message) -> Mapping[str, Any]:
        with self._lock:
            job = self._streams.pop(str(message.params.get("uri")) or "-", None)
        if job is not None:
            job.cancel()
        return {}

    def _set_level(self, _: Job, message: Message) -> Mapping[str, Any]:
        self._log_level = message.params.get("level")
        return {}

    def _listen(self, job: Job, wanted: Mapping[str, Any], *, missed: bool) -> None:
        params = {"notifications": wanted, "_meta": self._envelope({})}
        begun = threading.Event()

        def deliver(message: Message) -> None:
            begun.set()
            if message.method in (*LIST_CHANGES.values(), "notifications/resources/updated"):
                self._write(encoded(notification(message.method, shapes.change_notification(message.params))))

        identity = f"docgenctl-listen-{id(job)}"
        stream = Listening(self._upstream, job, identity, params, deliver, self._log, missed=missed)
        self._start(stream.run)
        if not begun.wait(_PATIENCE_S):  # who has subscribed must not miss what happens right after
            stream.presume_missed()

    # -- requests that are carried to the stack --------------------------------------------------------
    def _carry(self, job: Job, message: Message) -> None:
        params = {**message.params, "_meta": self._envelope(message.meta)}
        for again in range(_MOST_ROUNDS):
            answer = self._round(job, message, params)
            found = answer.get("result")
            if not isinstance(found, dict):
                error = answer.get("error")
                error = error if isinstance(error, dict) else {"code": INTERNAL_ERROR, "message": "no answer"}
                self._write(encoded(failure(message.id, shapes.shaped_error(message.method, error))))
                return
            if found.get("resultType", "complete") == "complete":
                self._finish(message, found)
                return
            params = {**params, **self._more_input(job, found, again)}
        raise RefusalError(INTERNAL_ERROR, f"The server asked for more input {_MOST_ROUNDS} times")

    def _finish(self, message: Message, found: Mapping[str, Any]) -> None:
        shaped = shapes.shaped(message.method, self._revision, found)
        try:
            line = encoded(result(message.id, shaped))
        except ValueError:
            raise RefusalError(INTERNAL_ERROR, "The server's result holds a number that is none") from None
        self._write(line)

    def _round(self, job: Job, message: Message, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send it, pass notifications on, and return the response."""
        body = {"jsonrpc": "2.0", "id": message.id, "method": message.method, "params": params}
        last: Message | None = None
        for line in self._mirroring.exchange(job, Message(encoded(body), body)):
            last = received(line)
            if last.method:
                self._write(line)
        return last.body if last is not None else {}

    def _more_input(self, job: Job, found: Mapping[str, Any], again: int) -> dict[str, Any]:
        if found.get("resultType") != "input_required":
            raise RefusalError(INTERNAL_ERROR, f"The server answered with a {found.get('resultType')}")
        more: dict[str, Any] = {}
        asked = found.get("inputRequests")
        if isinstance(asked, dict) and asked:
            more["inputResponses"] = self.questions.ask_all(job, asked, self._revision, self._capabilities)
        else:
            woken = threading.Event()
            with job.undone_by(woken.set):
                woken.wait(min(_FIRST_PAUSE_S * 2**again, _LONGEST_PAUSE_S))
        if "requestState" in found:
            more["requestState"] = found["requestState"]
        return more

    def _envelope(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        """`_meta` of a request of 2026-07-28 for this client; of capabilities those that work both ways."""
        offered = {
            name: self._capabilities[name] for name in CAPABILITIES.values() if name in self._capabilities
        }
        return {
            **meta,
            META + "protocolVersion": PROTOCOL_VERSION,
            META + "clientInfo": self._client,
            META + "clientCapabilities": offered,
            **({META + "logLevel": self._log_level} if self._log_level else {}),
        }
