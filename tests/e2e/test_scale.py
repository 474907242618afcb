"""`docgenctl scale`: orchestrators come and go under load, and nobody notices."""

import ssl
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docgenctl.model.observed import ObservedContainer
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

DISCOVER = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":%s}}' % (
    b'{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    b'"io.modelcontextprotocol/clientInfo":{"name":"load","version":"1"},'
    b'"io.modelcontextprotocol/clientCapabilities":{}}'
)
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/list",
}


class Callers:
    """Clients that list tools over kept connections, all the time."""

    def __init__(self, endpoint: dict[str, str], count: int) -> None:
        self._url = urlsplit(endpoint["url"])
        self._context = ssl.create_default_context(cafile=endpoint["ca_file"])
        self._key = Path(endpoint["api_key_file"]).read_text().strip()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(count)]
        self._counting = threading.Lock()
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self) -> None:
        connection: HTTPSConnection | None = None
        headers = {**HEADERS, "Authorization": f"Bearer {self._key}"}
        while not self._ending.is_set():
            if connection is None:
                assert self._url.hostname is not None
                connection = HTTPSConnection(
                    self._url.hostname, self._url.port, context=self._context, timeout=20
                )
            try:
                connection.request("POST", self._url.path, DISCOVER, headers)
                response = connection.getresponse()
                body = response.read()
                told = (
                    "right"
                    if response.status == 200 and b'"tools"' in body
                    else f"{response.status} {body!r}"
                )
                if response.will_close:
                    connection = None
            except (OSError, HTTPException) as error:
                told, connection = f"{type(error).__name__}: {error}", None
            with self._counting:
                self.answers[told] += 1


def ask_once(endpoint: dict[str, str], key: str) -> int:
    url = urlsplit(endpoint["url"])
    assert url.hostname is not None
    context = ssl.create_default_context(cafile=endpoint["ca_file"])
    connection = HTTPSConnection(url.hostname, url.port, context=context, timeout=20)
    try:
        headers = {**HEADERS, "Authorization": f"Bearer {key}"}
        connection.request("POST", url.path, DISCOVER, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def orchestrators(stack: Stack) -> list[ObservedContainer]:
    seen = stack.engine.observe(stack.project).containers
    return sorted((c for c in seen if c.service == "orchestrator"), key=lambda c: c.number)


def test_orchestrators_come_and_go_without_a_failed_request(workspace: MakeStack) -> None:
    stack = workspace()
    stack.up()
    before = stack.containers()
    endpoint = stack.endpoint()
    rated = stack.ok("keys", "create", "rated", "--rate", "20/h", "--json").document["key"]
    foreseen = stack.ok("scale", "orchestrator=2", "--dry-run", "--json").document
    with Callers(endpoint, 4) as callers:
        more = stack.ok("scale", "orchestrator=2", "--json").document
        assert more["steps"] == foreseen["steps"]
        assert more["replicas"] == {"orchestrator": 2}
        assert [c.name for c in orchestrators(stack)] == [f"{stack.project}-orchestrator-{n}" for n in (1, 2)]
        rows = [row["container"] for row in stack.ok("status", "--json").document]
        assert f"{stack.project}-orchestrator-2" in rows
        assert stack.ok("health", "--json").document["healthy"]
        assert stack.ok("plan", "--json").document["changes"] is False
        answered = callers.answers.total()
        # Both serve: what one logs, the other does not.
        served = [
            sum('"path": "/mcp"' in line.text or '"/mcp"' in line.text for line in lines)
            for lines in (stack.engine.logs(c, tail=None, follow=False) for c in orchestrators(stack))
        ]
        # A rate is the caller's, however many count it.
        with ThreadPoolExecutor(8) as pool:
            statuses = Counter(pool.map(lambda _: ask_once(endpoint, rated), range(60)))
        assert set(statuses) == {200, 429}
        assert 19 <= statuses[200] <= 21, statuses
        stack.ok("up")
        less = stack.ok("scale", "orchestrator=1", "--json").document
        done = [(s["verb"], s["subject"]) for s in less["steps"]]
        # Where they counted together goes as well, and takes nobody with it.
        assert [step for step in done if step[1].startswith("orchestrator")] == [
            ("drain", "orchestrator#2"),
            ("stop container", "orchestrator#2"),
            ("remove container", "orchestrator#2"),
            ("reload", "orchestrator"),
            ("disconnect", "orchestrator"),
        ]
    assert set(callers.answers) == {"right"}, callers.answers
    assert callers.answers.total() > answered > 0
    assert all(count > 0 for count in served), served
    assert stack.containers() == before
    # A place that was drained is used again.
    stack.ok("scale", "orchestrator=2")
    gateway = stack.containers()["gateway"]
    control = "/etc/docgen/config/current/control.bash"
    ask = f"set -- none; source {control}; orchestrators"
    states = stack.engine.execute(gateway, ("bash", "-c", ask)).output.splitlines()
    used = [line.split() for line in states if line.split()[1] != "-"]
    assert [int(line[2]) & 8 for line in used] == [0, 0], states


def test_what_runs_once_is_refused_with_the_reason(workspace: MakeStack) -> None:
    stack = workspace()
    refused = stack.run("scale", "main=2", "--json")
    assert (refused.exit_code, refused.document["error"]["code"]) == (6, "cannot_scale")
    assert "one process" in refused.document["error"]["message"]
    assert stack.run("scale", "nothing=2").exit_code == 2
    assert stack.run("scale", "orchestrator=0").exit_code == 2
    assert stack.run("scale", "orchestrator").exit_code == 2
    assert stack.run("scale", "orchestrator=2", "--json").document["error"]["code"] == "never_started"
