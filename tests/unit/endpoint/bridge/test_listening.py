"""Streams of changes that are slow to begin."""

import json
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from docgenctl.endpoint.bridge import legacy
from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.legacy import LegacySession
from docgenctl.endpoint.bridge.messages import encoded, notification, parse
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.model.errors import NotHealthyError

WAIT_S = 20


class SlowUpstream:
    """Begins a stream once it is let, and says nothing more on it; whatever else is asked finds nobody."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def exchange(
        self, job: Job, body: bytes, headers: Mapping[str, str], *_: Any, **__: Any
    ) -> Iterator[bytes]:
        if headers["Mcp-Method"] != "subscriptions/listen":
            raise NotHealthyError("nobody is there", hint="wait", code="unreachable")
        ended = threading.Event()
        self.let.wait(WAIT_S)
        with job.undone_by(ended.set):
            yield encoded(notification("notifications/subscriptions/acknowledged"))
            ended.wait(WAIT_S)


def asked(method: str, params: Mapping[str, Any]) -> Any:
    return parse(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())


@pytest.mark.parametrize("late", [True, False])
def test_a_subscription_is_told_of_what_it_may_have_missed_where_its_stream_began_after_the_answer(
    late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = SlowUpstream()
    written: queue.Queue[bytes] = queue.Queue()
    threads: list[threading.Thread] = []

    def start(work: Any) -> None:
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    session = LegacySession(cast("Upstream", upstream), written.put, start, lambda _: None)
    session.answer(Job(), asked("initialize", {"protocolVersion": "2025-11-25"}))
    assert "result" in json.loads(written.get(timeout=WAIT_S))
    monkeypatch.setattr(legacy, "_PATIENCE_S", 0.01 if late else WAIT_S)
    if not late:
        upstream.let.set()
    session.answer(Job(), asked("resources/subscribe", {"uri": "docs://one"}))
    assert json.loads(written.get(timeout=WAIT_S))["result"] == {}
    if late:
        upstream.let.set()
        told = json.loads(written.get(timeout=WAIT_S))
        assert (told["method"], told["params"]) == ("notifications/resources/updated", {"uri": "docs://one"})
    session.close()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert written.empty()
