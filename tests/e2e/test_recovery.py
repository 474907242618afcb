"""What a client notices when servers are restarted, moved or killed behind a gateway that stays as it is."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from docker import APIClient
from mcp import Client
from mcp.shared.exceptions import MCPError

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.repositories import python_repository
from tests.e2e.stack import Door, Stack, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.anyio]

#: Seconds between a server's own "I serve" and the first call through the gateway that succeeds.
PROMISED_S = 2.0
CANARY = {"main": ("docs_kinds", {}), "github": ("github_status", {})}

#: Waits inside a container until its server accepts connections.
SERVES = "until (: < /dev/tcp/127.0.0.1/8000) 2>&-; do sleep 0.02; done"


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may shake; each of them leaves it healthy."""
    place = tmp_path_factory.mktemp("shaken")
    folder = place / "harbour"
    folder.mkdir()
    folder.chmod(0o755)
    stack = Stack(engine, python_repository(folder), place / "state", word="shaken")
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def own_door(stack: Stack) -> Door:
    return Door.of(stack.endpoint())


@pytest.fixture(autouse=True)
def gateway_and_orchestrator_stay(stack: Stack, api: APIClient) -> Iterator[None]:
    """Neither of the two is started again by a test here: that is what recovery means."""

    def started() -> list[tuple[str, str]]:
        ids = stack.containers()
        states = (api.inspect_container(ids[name]) for name in ("gateway", "orchestrator"))
        return [(state["Id"], state["State"]["StartedAt"]) for state in states]

    before = started()
    yield
    assert started() == before


async def succeeds(client: Client, server: str) -> bool:
    tool, arguments = CANARY[server]
    try:
        async with asyncio.timeout(10):
            return not (await client.call_tool(tool, dict(arguments))).is_error
    except MCPError:
        return False


async def seconds_until_served(stack: Stack, door: Door, server: str) -> float:
    """From the moment the server accepts connections to the first call that succeeds."""
    async with door.client() as client:
        await asyncio.to_thread(wait_until, lambda: server in stack.containers(), what=f"{server} exists")
        code, said = await asyncio.to_thread(stack.inside, server, "timeout", "30", "bash", "-c", SERVES)
        assert code == 0, said
        back = time.monotonic()
        while not await succeeds(client, server):
            assert time.monotonic() - back < 15, f"{server} was not served again"
            await asyncio.sleep(0.02)
        return time.monotonic() - back


def address(stack: Stack, api: APIClient, server: str) -> str:
    networks = api.inspect_container(stack.containers()[server])["NetworkSettings"]["Networks"]
    return str(networks[f"{stack.project}_mcp-{server}"]["IPAddress"])


# -- coming back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["main", "github"])
async def test_after_a_restart_the_next_call_succeeds(stack: Stack, own_door: Door, server: str) -> None:
    async with own_door.client() as before:
        assert await succeeds(before, server)
        await asyncio.to_thread(stack.ok, "restart", server, "--json")
        assert await succeeds(before, server)


async def test_a_killed_container_serves_again_soon_after_start(
    stack: Stack, own_door: Door, api: APIClient
) -> None:
    api.kill(stack.containers()["main"])
    async with own_door.client() as client:
        with pytest.raises(MCPError, match="main"):
            await client.call_tool("docs_kinds", {})
    starting = asyncio.create_task(asyncio.to_thread(stack.ok, "start", "main", "--json"))
    await asyncio.to_thread(wait_until, lambda: running(stack, api, "main"), what="main runs")
    assert await seconds_until_served(stack, own_door, "main") < PROMISED_S
    await starting


async def test_a_server_that_comes_back_elsewhere_is_found(
    stack: Stack, own_door: Door, api: APIClient
) -> None:
    old, network = address(stack, api, "main"), f"{stack.project}_mcp-main"
    container = stack.containers()["main"]
    image = api.inspect_container(container)["Image"]
    api.remove_container(container, force=True)
    # Something else takes the address that main had, and answers nothing there.
    config = api.create_networking_config({network: api.create_endpoint_config(ipv4_address=old)})
    squatter = api.create_container(
        image,
        ["bash", "-c", "sleep 600"],
        name=f"{stack.project}-squatter",
        networking_config=config,
        host_config=api.create_host_config(network_mode=network, init=True),
        user="10001",
    )["Id"]
    try:
        api.start(squatter)
        coming = asyncio.create_task(asyncio.to_thread(stack.up))
        await asyncio.to_thread(wait_until, lambda: running(stack, api, "main"), 30, what="main runs")
        assert await seconds_until_served(stack, own_door, "main") < PROMISED_S
        document = await coming
        assert address(stack, api, "main") != old
        assert {step["subject"] for step in document["steps"] if step["verb"] == "create container"} == {
            "main"
        }
    finally:
        api.remove_container(squatter, force=True)


async def test_a_crashed_process_is_started_again_by_the_engine(
    stack: Stack, own_door: Door, api: APIClient
) -> None:
    container = stack.containers()["main"]
    restarts = api.inspect_container(container)["RestartCount"]
    # All processes but the container's first and the one that does it, which may be told before or after.
    killing = "import os, signal; os.kill(-1, signal.SIGKILL)"
    await asyncio.to_thread(stack.inside, "main", "/opt/docgen/venv/bin/python", "-I", "-c", killing)
    await asyncio.to_thread(
        wait_until,
        lambda: api.inspect_container(container)["RestartCount"] > restarts and running(stack, api, "main"),
        what="the engine restarted main",
    )
    assert await seconds_until_served(stack, own_door, "main") < PROMISED_S
    assert stack.containers()["main"] == container


# -- while it is away --------------------------------------------------------------------------------


@pytest.mark.parametrize(("down", "up"), [("main", "github"), ("github", "main")])
async def test_while_a_server_is_down_the_other_answers_and_the_tools_stay(
    stack: Stack, own_door: Door, down: str, up: str
) -> None:
    modes, before = ("auto", "legacy"), {}
    for mode in modes:
        async with own_door.client(mode) as client:
            before[mode] = [tool.name for tool in (await client.list_tools()).tools]
    await asyncio.to_thread(stack.ok, "stop", down, "--json")
    try:
        for mode in modes:
            async with own_door.client(mode) as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == before[mode]
                assert await succeeds(client, up)
                begun = time.monotonic()
                with pytest.raises(MCPError, match=down) as refused:
                    await client.call_tool(CANARY[down][0], {})
                assert time.monotonic() - begun < PROMISED_S
                assert refused.value.error.data == {"server": down}
        health = await asyncio.to_thread(stack.run, "health", "--json")
        assert health.exit_code == 5
        sick = {layer["subject"] for layer in health.document["layers"] if not layer["ok"]}
        assert down in sick
        assert up not in sick
    finally:
        await asyncio.to_thread(stack.ok, "start", down, "--json")
    for mode in modes:
        async with own_door.client(mode) as client:
            assert await succeeds(client, down)


# -- what the gateway hands on -----------------------------------------------------------------------

#: Answers every request with the headers it came with.
ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Echo).serve_forever()
"""

OUTSIDERS_HEADERS = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-User": "admin",
    "Forwarded": "for=6.6.6.6",
    "X-Real-IP": "6.6.6.6",
    "X-Docgen-Key-Id": "admin",
    "X-Upstream-Authorization": "Bearer evil",
    "X-Original-URL": "/metrics",
    "X-Rewrite-URL": "/metrics",
    "X-HTTP-Method-Override": "DELETE",
    "Proxy": "http://6.6.6.6/",
    "Proxy-Authorization": "Basic eA==",
}


def test_what_only_services_may_say_is_taken_off_requests_from_outside(
    stack: Stack, own_door: Door, api: APIClient
) -> None:
    # A server of ours stands in for the orchestrator, which is taken off the network, not restarted.
    network = f"{stack.project}_mcp-orchestrator"
    orchestrator = stack.containers()["orchestrator"]
    image = api.inspect_container(orchestrator)["Image"]
    endpoint = api.create_endpoint_config(aliases=["orchestrator"])
    api.disconnect_container_from_network(orchestrator, network)
    echo = api.create_container(
        image,
        ["/opt/docgen/venv/bin/python", "-I", "-c", ECHO],
        name=f"{stack.project}-echo",
        networking_config=api.create_networking_config({network: endpoint}),
        host_config=api.create_host_config(network_mode=network, init=True),
        user="10001",
    )["Id"]
    try:
        api.start(echo)
        with own_door.http() as client:

            def arrived() -> list[list[Any]]:
                answer = client.post("/mcp", json={}, headers=OUTSIDERS_HEADERS | {"X-Kept": "yes"})
                return json.loads(answer.text) if answer.status_code == 200 else []

            headers = wait_until(arrived, what="the gateway found the stand-in")
    finally:
        api.remove_container(echo, force=True)
        api.connect_container_to_network(orchestrator, network, aliases=["orchestrator"])
    names = [name for name, _ in headers]
    assert ["x-kept", "yes"] in headers
    assert ["authorization", f"Bearer {own_door.key}"] in headers
    values = " ".join(value for _, value in headers)
    for bad in ("6.6.6.6", "evil", "admin", "/metrics", "DELETE", "eA=="):
        assert bad not in values, headers
    assert names.count("x-forwarded-for") == names.count("x-correlation-id") == 1
    # and the gateway finds the real one again, at whatever address
    with own_door.http() as client:
        wait_until(lambda: client.get("/health/ready/main").status_code == 200, what="main is ready again")


def running(stack: Stack, api: APIClient, service: str) -> bool:
    container = stack.containers().get(service)
    return container is not None and api.inspect_container(container)["State"]["Running"]
