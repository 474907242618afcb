"""The server as its container runs it: its own process, over HTTP, in both protocol eras."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from docgen_common.settings import ServerSettings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.servers.github.conftest import API_KEY, TOKEN, MakeSettings
from tests.servers.github.proxy import Proxy
from tests.servers.github.stand_in import Reply, StandIn, pull, repository
from tests.servers.github.tool_names import READING

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]


@dataclass
class Running:
    """The process and what it printed; `output` is whole once it has ended."""

    url: str
    process: subprocess.Popen[str]
    output: str = ""

    def stop(self) -> None:
        """Ask it to end, as the engine does, and see that it ended by itself and in time."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=10) == 0


@contextmanager
def running(settings: ServerSettings, port: int) -> Iterator[Running]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(
            str(ROOT / "server_images" / name / "src") for name in ("common", "github")
        ),
        "DOCGEN_SERVER": settings.server,
        "DOCGEN_PORT": str(port),
        "DOCGEN_CONFIG_DIR": str(settings.config_dir),
        "DOCGEN_SECRETS_DIR": str(settings.secrets_dir),
        "DOCGEN_EGRESS_PROXY": settings.egress_proxy or "",
        "MCP_LOG_LEVEL": "debug",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "docgen_github"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    result = Running(f"http://127.0.0.1:{port}", process)
    listening = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            result.output += line
            if "Uvicorn running" in line:
                listening.set()
        listening.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert listening.wait(30)
        assert process.poll() is None, result.output
        yield result
    finally:
        process.terminate()
        process.wait(15)
        reader.join(5)


@asynccontextmanager
async def connected(url: str, mode: str):
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {API_KEY}"}, trust_env=False)
    async with http, Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_of_both_eras_read_through_the_egress_proxy(
    mode: str, github: StandIn, proxy: Proxy, make_settings: MakeSettings, unused_port: Callable[[], int]
):
    github.on("/repos/octo/demo", Reply(repository()))
    github.on("/repos/octo/demo/pulls/1", Reply(pull()))
    github.on("/repos/octo/demo/pulls/1/reviews", Reply([]))
    arguments = {"owner": "octo", "repo": "demo"}
    with running(make_settings(proxy=proxy.url), unused_port()) as server:
        async with connected(server.url, mode) as client:
            assert len((await client.list_tools()).tools) == len(READING)
            result = await client.call_tool("github_get_repository", arguments)
            assert result.structured_content["full_name"] == "octo/demo"
            refused = await client.call_tool("github_get_repository", {"owner": "octo", "repo": "other"})
            assert refused.is_error
            read = await client.read_resource("github://octo/demo/pulls/1")
            assert json.loads(read.contents[0].text)["untrusted"]["title"] == "Change 1"
            prompt = await client.get_prompt("github_review_pull", {**arguments, "number": "1"})
            assert "octo/demo" in prompt.messages[0].content.text
        server.stop()
    assert proxy.requests[0] == f"GET {github.url}/repos/octo/demo"
    assert github.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_closed_egress_proxy_is_named_to_the_caller_and_keeps_the_server_up(
    proxy: Proxy, make_settings: MakeSettings, unused_port: Callable[[], int]
):
    proxy.refuses = True
    with running(make_settings(proxy=proxy.url), unused_port()) as server:
        async with connected(server.url, "auto") as client:
            result = await client.call_tool("github_get_repository", {"owner": "octo", "repo": "demo"})
            assert result.is_error
            assert "servers/github/egress/allow" in result.content[0].text
        async with httpx2.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"{server.url}/health/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert ready.json()["checks"]["configuration"]["ok"] is True
    assert "egress proxy" in ready.json()["checks"]["api"]["detail"]


async def test_a_wrong_configuration_answers_503_and_names_the_key(
    make_settings: MakeSettings, unused_port: Callable[[], int]
):
    with running(make_settings(["nonsense"]), unused_port()) as server:
        async with httpx2.AsyncClient(trust_env=False) as http:
            ready = await http.get(f"{server.url}/health/ready")
            assert (await http.get(f"{server.url}/health")).status_code == 200
    assert ready.status_code == 503
    assert "repositories/0" in ready.json()["checks"]["configuration"]["detail"]


async def test_the_token_is_in_no_log_line_answer_or_argument_of_the_process(
    github: StandIn, make_settings: MakeSettings, unused_port: Callable[[], int]
):
    github.on("/rate_limit", Reply({}, 401))
    replies = [Reply({}, 401), Reply({}, 500), Reply(b"x"), Reply({}, 403), Reply({}, 429)]
    github.on("/repos/octo/demo", *replies)
    shown = ""
    with running(make_settings(), unused_port()) as server:
        async with connected(server.url, "auto") as client:
            for _ in range(6):
                result = await client.call_tool("github_get_repository", {"owner": "octo", "repo": "demo"})
                shown += result.model_dump_json()
        async with httpx2.AsyncClient(
            headers={"authorization": f"Bearer {API_KEY}"}, trust_env=False
        ) as http:
            for path in ("/health", "/health/ready", "/metrics"):
                shown += (await http.get(server.url + path)).text
        process = Path(f"/proc/{server.process.pid}")
        shown += (process / "cmdline").read_text() + (process / "environ").read_text()
    assert "github_get_repository" in server.output
    assert TOKEN[4:20] not in shown + server.output
    assert API_KEY not in shown + server.output
