"""Hearing of changes: one `subscriptions/listen` stream that outlives the stack it comes from.

A stream ends when the stack is restarted, and by itself after an hour. It is then begun again, with longer
pauses the longer nobody answers. What happened in between cannot be known, so everything that was asked for
is told to have changed; whoever hears it asks again, which is all that these messages ever mean.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from docgenctl.endpoint.bridge.jobs import CancelledError, Job
from docgenctl.endpoint.bridge.messages import Message, encoded, notification, received
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.endpoint.wire import META, PROTOCOL_VERSION, headers
from docgenctl.model.errors import DocgenError

#: Servers fill a silence every 15 s.
_SILENCE_S = 45.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_SUBSCRIPTION_ID = META + "subscriptionId"
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
LIST_CHANGES = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}


class Listening:
    """One stream of changes, on a thread of its own for as long as `run` runs.

    Args:
        upstream: the way to the stack.
        job: ends it when cancelled.
        request_id: the id of the stream, which every message names.
        params: of the request, envelope included; `notifications` says what is asked for.
        deliver: takes each message for the client.
        log: told in a sentence when the stack goes away and comes back.
        missed: whether the client may already hold what is out of date when the stream first begins.
    """

    def __init__(
        self,
        upstream: Upstream,
        job: Job,
        request_id: Any,
        params: Mapping[str, Any],
        deliver: Callable[[Message], None],
        log: Callable[[str], None],
        *,
        missed: bool = False,
    ) -> None:
        self._upstream = upstream
        self._job = job
        self._id = request_id
        self._params = params
        self._deliver = deliver
        self._log = log
        self._missed = missed
        self._acknowledged = False
        self._pause_s = 0.0
        self._woken = threading.Event()
        self._down = ""

    def presume_missed(self) -> None:
        """Have all told when the stream begins: its client was answered before that. From any thread."""
        self._missed = True

    def run(self) -> None:
        """Until the job is cancelled. Raises RefusalError when the stack refuses it for good."""
        while not self._job.cancelled:
            try:
                self._listen()
                self._missed = True
            except CancelledError:
                return
            except DocgenError as error:
                self._lost(error)
            try:
                with self._job.undone_by(self._woken.set):
                    self._woken.wait(self._pause_s)
            except CancelledError:
                return

    def _listen(self) -> None:
        body = encoded(
            {"jsonrpc": "2.0", "id": self._id, "method": "subscriptions/listen", "params": self._params}
        )
        version = self._params["_meta"].get(META + "protocolVersion", PROTOCOL_VERSION)
        sent = headers("subscriptions/listen", self._params, version)
        for line in self._upstream.exchange(self._job, body, sent, self._id, silence_s=_SILENCE_S):
            message = received(line)
            if message.method == _ACKNOWLEDGED:
                self._begun(message)
            elif message.method:
                self._deliver(message)
            elif "error" in message.body and not self._acknowledged:
                self._deliver(message)
                self._job.cancel()

    def _begun(self, acknowledgement: Message) -> None:
        self._pause_s = 0.0
        if self._down:
            self._down = ""
            self._log("the stack answers again")
        if not self._acknowledged:
            self._acknowledged = True
            self._deliver(acknowledgement)
        if self._missed:
            self._missed = False
            self._tell_all()

    def _lost(self, error: DocgenError) -> None:
        self._missed = True
        self._pause_s = min(max(_FIRST_PAUSE_S, self._pause_s * 2), _LONGEST_PAUSE_S)
        if error.message != self._down:
            self._down = error.message
            self._log(f"{error.message}; {error.hint}")
        if not self._acknowledged:
            # Whoever waits for a stream to begin would wait for the stack; what it will bring is known.
            self._acknowledged = True
            self._deliver(self._own(_ACKNOWLEDGED, {"notifications": self._wanted()}))

    def _tell_all(self) -> None:
        wanted = self._wanted()
        for kind, method in LIST_CHANGES.items():
            if wanted.get(kind) is True:
                self._deliver(self._own(method, {}))
        for uri in wanted.get("resourceSubscriptions") or ():
            self._deliver(self._own("notifications/resources/updated", {"uri": uri}))

    def _wanted(self) -> Mapping[str, Any]:
        wanted = self._params.get("notifications")
        return wanted if isinstance(wanted, dict) else {}

    def _own(self, method: str, params: Mapping[str, Any]) -> Message:
        body = notification(method, {**params, "_meta": {_SUBSCRIPTION_ID: self._id}})
        return Message(encoded(body), body)
