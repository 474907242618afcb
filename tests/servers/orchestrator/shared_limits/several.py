"""Several orchestrators, as processes, in front of one server, which count in one store."""

import asyncio
import json
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from tests.servers.orchestrator.conftest import CLIENT_KEY, Process, Stack, key_entry, wait_until, write_keys
from tests.servers.wire import headers, message
from tests.valkey_fixtures import RunningValkey


class Several:
    """`orchestrators` are the processes; all of them know the keys that `with_keys` gives them."""

    def __init__(self, folder: Path, count: int, valkey: RunningValkey) -> None:
        self._stack = Stack(folder)
        self._stack.add("red")
        extra = [
            Process("orchestrator", folder / f"orchestrator-{number}", ["-m", "docgen_orchestrator"])
            for number in range(2, count + 1)
        ]
        self.orchestrators = [self._stack.orchestrator, *extra]
        (self._stack.orchestrator.folder / "secrets" / "limits-store").write_text(valkey.password)
        self._limits = {"host": valkey.host, "port": valkey.port, "key_secret": "limits-store"}

    def up(self, **keys: dict[str, Any]) -> "Several":
        """Start all, with these keys."""
        first, *others = self.orchestrators
        self._stack.write_routing()
        routing = first.folder / "config" / "routing.yaml"
        more = {"replicas": len(self.orchestrators), "limits": self._limits}
        routing.write_text(json.dumps(json.loads(routing.read_text()) | more))
        entries = [key_entry(secret_of(name), name, **entry) for name, entry in keys.items()]
        write_keys(first.folder / "secrets", CLIENT_KEY, "default", *entries)
        for other in others:
            for part in ("config", "secrets"):
                shutil.copytree(first.folder / part, other.folder / part, dirs_exist_ok=True)
        (red,) = self._stack.servers.values()
        red.start()
        for orchestrator in self.orchestrators:
            orchestrator.start(wait=False)
        for orchestrator in self.orchestrators:
            orchestrator.wait()
            wait_until(lambda o=orchestrator: self.counts(o), what="it counts in the store")  # type: ignore[misc]
            # Until a tool is known nobody can say whether it reads.
            wait_until(lambda o=orchestrator: self.knows_tools(o), what="it knows its tools")  # type: ignore[misc]
        return self

    def restart(self, number: int, sign: signal.Signals) -> None:
        """End one and start it again."""
        orchestrator = self.orchestrators[number]
        orchestrator.stop(sign)
        orchestrator.start()
        wait_until(lambda: self.counts(orchestrator), what="it counts in the store again")
        wait_until(lambda: self.knows_tools(orchestrator), what="it knows its tools")

    def close(self) -> None:
        """End everything."""
        for orchestrator in self.orchestrators[1:]:
            if orchestrator.process is not None and orchestrator.process.poll() is None:
                orchestrator.stop()
        self._stack.close()

    def knows_tools(self, orchestrator: Process) -> bool:
        """Whether it has asked its servers what they offer."""
        request = message("tools/list")
        with self._http(orchestrator) as http:
            answer = http.post("/mcp", json=request, headers=headers(request))
        return answer.status_code == 200 and "red_echo" in answer.text

    def counts(self, orchestrator: Process) -> bool:
        """Whether it says of itself that the store counts."""
        with self._http(orchestrator) as http:
            return bool(http.get("/health/ready").json()["checks"]["limits"]["ok"])

    def metric(self, orchestrator: Process, name: str) -> float:
        """A number of its metrics."""
        with self._http(orchestrator) as http:
            lines = http.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def _http(self, orchestrator: Process) -> httpx2.Client:
        base = orchestrator.url.removesuffix("/mcp")
        return httpx2.Client(
            base_url=base, headers={"Authorization": f"Bearer {CLIENT_KEY}"}, trust_env=False, timeout=20
        )


def secret_of(name: str) -> str:
    """The key of that name."""
    return f"dgk_{name}-key-of-these-tests"


async def call(
    orchestrators: Sequence[Process],
    key: str,
    count: int,
    *,
    tool: str = "red_echo",
    arguments: dict[str, Any] | None = None,
    callers: int = 16,
) -> list[httpx2.Response]:
    """``count`` calls in all, spread over them evenly, ``callers`` at once at each."""
    limits = httpx2.Limits(max_connections=callers)
    sent = {"Authorization": f"Bearer {secret_of(key)}"}

    async def at(orchestrator: Process, some: int) -> list[httpx2.Response]:
        base = orchestrator.url.removesuffix("/mcp")
        async with httpx2.AsyncClient(
            base_url=base, headers=sent, trust_env=False, limits=limits, timeout=60
        ) as http:

            async def one() -> httpx2.Response:
                request = message("tools/call", {"name": tool, "arguments": arguments or {"text": "hi"}})
                return await http.post("/mcp", json=request, headers=headers(request))

            return await asyncio.gather(*(one() for _ in range(some)))

    share = count // len(orchestrators)
    answers = await asyncio.gather(*(at(orchestrator, share) for orchestrator in orchestrators))
    return [answer for some in answers for answer in some]


def told(answers: Sequence[httpx2.Response]) -> Counter[int]:
    """How many answers of each status."""
    return Counter(answer.status_code for answer in answers)
