"""What clients find behind the printed endpoint: the official MCP client in both eras, and plain HTTPS."""

import asyncio
import contextlib
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from docgenctl.cli.generate import KINDS
from tests.e2e.stack import Door, Stack, wait_until
from tests.servers.github.tool_names import READING

pytestmark = pytest.mark.engine

VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
MAIN_TOOLS = {
    "docs_export",
    "docs_generate",
    "docs_kinds",
    "docs_list",
    "docs_show",
    "files_delete",
    "files_edit",
    "files_list",
    "files_move",
    "files_read",
    "files_search",
    "files_stat",
    "files_write",
    "templates_create",
    "templates_delete",
    "templates_diff",
    "templates_export",
    "templates_history",
    "templates_import",
    "templates_list",
    "templates_preview",
    "templates_render",
    "templates_rollback",
    "templates_show",
    "templates_update",
}
EIGHT_MEBIBYTES = 8 * 1024**2
DISCOVER = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
MODERN = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "server/discover",
}


async def events_by_sse(door: Door) -> AsyncIterator[dict[str, Any]]:
    async with (
        httpx2.AsyncClient(verify=door.trust, headers=door.headers(), trust_env=False, timeout=30) as http,
        http.stream("GET", door.at(path="/events").url) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


async def events_by_websocket(door: Door, after: str = "") -> AsyncIterator[dict[str, Any]]:
    url = door.at(path="/events").url.replace("https://", "wss://") + (f"?after={after}" if after else "")
    async with connect(url, additional_headers=door.headers(), ssl=door.trust, proxy=None) as socket:
        async for message in socket:
            yield json.loads(message)


both_eras = pytest.mark.parametrize("mode", VERSIONS)


class Heard:
    """Progress of one call, in the order it came."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float | None]] = []
        self.sections: list[dict[str, Any]] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.steps.append((progress, total))
        self.sections.append(json.loads(message or "{}"))

    def check(self, titles: list[str]) -> None:
        """One step for each section; the total is how many there may still be, so it only shrinks."""
        assert [section["section"] for section in self.sections] == titles
        assert [step for step, _ in self.steps] == list(range(1, len(titles) + 1))
        totals = [total or 0 for _, total in self.steps]
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] >= len(titles)


async def listed(client: Client, uri: str) -> None:
    """A document is listed as soon as it is made."""
    found = await client.list_resources(cache_mode="refresh")
    assert uri in {str(resource.uri) for resource in found.resources}


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


# -- the official client -----------------------------------------------------------------------------


@both_eras
@pytest.mark.anyio
async def test_the_printed_endpoint_offers_the_tools_of_all_servers(door: Door, mode: str) -> None:
    assert door.url.startswith("https://localhost:")
    async with door.client(mode) as client:
        assert client.protocol_version == VERSIONS[mode]
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == MAIN_TOOLS | READING
    assert [tool.name for tool in tools] == sorted(tool.name for tool in tools)
    assert all(tool.description and tool.input_schema for tool in tools)


@both_eras
@pytest.mark.anyio
async def test_a_document_is_made_with_progress_for_each_section_and_read_back(
    running_stack: Stack, door: Door, mode: str
) -> None:
    heard, name = Heard(), f"made-{mode}.md"
    async with door.client(mode) as client:
        result = await client.call_tool(
            "docs_generate", {"kind": "readme", "path": name}, progress_callback=heard
        )
        assert not result.is_error, result
        done = result.structured_content
        (content,) = (await client.read_resource(done["uri"])).contents
        await listed(client, done["uri"])
    assert len(done["sections"]) >= 5
    heard.check(done["sections"])
    document = (running_stack.directory / done["path"]).read_text()
    assert content.text == document
    for section in heard.sections:
        assert section["markdown"].strip() in document
    assert "harbour" in document
    assert done["path"] == f"docs/generated/{name}"


@both_eras
@pytest.mark.anyio
async def test_files_are_written_and_read_in_the_output_folder_and_nowhere_else(
    running_stack: Stack, door: Door, mode: str
) -> None:
    path, text = f"docs/generated/notes/{mode}.txt", f"zażółć {uuid.uuid4()}\n"
    async with door.client(mode) as client:
        written = await client.call_tool("files_write", {"path": path, "content": text})
        assert not written.is_error, written
        assert (running_stack.directory / path).read_text() == text
        read = await client.call_tool("files_read", {"path": path})
        assert read.structured_content["content"] == text
        source = await client.call_tool("files_read", {"path": "src/harbour/berths.py"})
        assert "class Berth" in source.structured_content["content"]
        for outside in ("README.md", "src/new.py", "../escape.txt", "/etc/passwd"):
            refused = await client.call_tool("files_write", {"path": outside, "content": "x"})
            assert refused.is_error, outside
            assert str(running_stack.directory) not in str(refused.content)
        escape = await client.call_tool("files_read", {"path": "../../etc/passwd"})
        assert escape.is_error
    assert (running_stack.directory / "README.md").read_text().startswith("# Harbour")
    assert not (running_stack.directory / "src/new.py").exists()
    assert not (running_stack.directory.parent / "escape.txt").exists()


@both_eras
@pytest.mark.anyio
async def test_prompts_and_resource_templates_of_all_servers_are_offered(door: Door, mode: str) -> None:
    async with door.client(mode) as client:
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        templates = await client.list_resource_templates()
        prompt = await client.get_prompt("docs_changelog", {"audience": "harbour masters"})
    assert prompts == {f"docs_{kind}" for kind in (*KINDS, "document")} | {"github_review_pull"}
    assert {template.uri_template.partition(":")[0] for template in templates.resource_templates} == {
        "docs",
        "github",
    }
    assert "harbour masters" in prompt.messages[0].content.text


@both_eras
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("purpose", "tools", "foreign"),
    [("main", MAIN_TOOLS, "github_status"), ("github", READING, "docs_kinds")],
)
async def test_a_servers_own_port_offers_that_server_alone(
    running_stack: Stack, door: Door, mode: str, purpose: str, tools: set[str], foreign: str
) -> None:
    own = door.at(port=running_stack.ports()[purpose])
    mine = "docs_kinds" if purpose == "main" else "github_status"
    async with own.client(mode) as client:
        assert client.protocol_version == VERSIONS[mode]
        assert await names(client) == tools
        assert not (await client.call_tool(mine, {})).is_error
        with pytest.raises(MCPError):
            await client.call_tool(foreign, {})
    async with door.at(path=f"/mcp/{purpose}").client(mode) as client:
        assert await names(client) == tools


@pytest.mark.anyio
async def test_a_tool_that_fails_says_why_without_paths_of_the_host_or_container(
    running_stack: Stack, door: Door
) -> None:
    async with door.client() as client:
        result = await client.call_tool("files_read", {"path": "src/missing.txt"})
        denied = await client.call_tool("github_get_repository", {"owner": "octo", "repo": "demo"})
    assert result.is_error
    assert denied.is_error
    for said in (str(result.content), str(denied.content)):
        assert str(running_stack.directory) not in said
        assert "/workspace" not in said
        assert "Traceback" not in said
    assert "src/missing.txt" in str(result.content)


@both_eras
@pytest.mark.anyio
async def test_twelve_callers_at_once_each_hear_their_own_progress(door: Door, mode: str) -> None:
    kinds = ("readme", "architecture", "changelog")

    async def call(number: int) -> None:
        title, heard = f"Caller {mode} number {number} of twelve", Heard()
        arguments = {
            "kind": kinds[number % 3],
            "title": title,
            "path": f"crowd/{mode}-{number}.md",
        }
        async with door.client(mode) as client:
            result = await client.call_tool("docs_generate", arguments, progress_callback=heard)
        assert not result.is_error, result
        heard.check(result.structured_content["sections"])
        told = "\n".join(section["markdown"] for section in heard.sections)
        assert re.findall(r"Caller \w+ number \d+ of twelve", told) == [title], told

    await asyncio.gather(*(call(number) for number in range(12)))


# -- keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer dgk_" + "A" * 43},
        {"Authorization": "Basic {key}"},
        {"Authorization": "Bearer {key}x"},
        {"Authorization": "Bearer {key}", "X-API-Key": "dgk_" + "A" * 43},
        {"Cookie": "key={key}"},
    ],
)
def test_without_the_key_every_answer_is_the_same_401(door: Door, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{key}", door.key) for name, value in headers.items()}
    with httpx2.Client(verify=door.trust, trust_env=False) as client:
        answer = client.post(door.url, json=DISCOVER, headers=MODERN | sent)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"error": {"code": "unauthorized", "message": "A valid API key is needed"}}


def test_the_key_is_taken_as_bearer_and_as_api_key_header(door: Door) -> None:
    with httpx2.Client(verify=door.trust, trust_env=False) as client:
        for headers in ({"Authorization": f"Bearer {door.key}"}, {"X-API-Key": door.key}):
            assert client.post(door.url, json=DISCOVER, headers=MODERN | headers).status_code == 200


def test_a_key_in_the_query_is_refused_and_not_logged(running_stack: Stack, door: Door) -> None:
    marker = uuid.uuid4().hex
    with httpx2.Client(verify=door.trust, trust_env=False) as client:
        answer = client.post(
            f"{door.url}?api_key={door.key}&key={door.key}",
            json=DISCOVER,
            headers=MODERN | {"X-Correlation-ID": marker},
        )
    assert answer.status_code == 401
    lines = wait_until(
        lambda: logged(running_stack, marker, "gateway", "orchestrator"), what="both services log the request"
    )
    assert {line["service"] for line in lines} == {"gateway", "orchestrator"}
    assert not any("api_key" in line["text"] or door.key in line["text"] for line in lines)


def test_each_door_asks_for_the_key(running_stack: Stack, door: Door) -> None:
    ports = running_stack.ports()
    doors = [door.at(path="/mcp/main"), door.at(path="/mcp/github")]
    doors += [door.at(port=ports["main"]), door.at(port=ports["github"])]
    with httpx2.Client(verify=door.trust, trust_env=False) as client:
        for other in doors:
            assert client.post(other.url, json=DISCOVER, headers=MODERN).status_code == 401, other.url
            assert client.post(other.url, json=DISCOVER, headers=MODERN | door.headers()).status_code == 200


# -- the edge ----------------------------------------------------------------------------------------


def test_the_certificate_is_trusted_through_the_printed_root_only(door: Door) -> None:
    with httpx2.Client(trust_env=False) as stranger, pytest.raises(httpx2.ConnectError, match=r"(?i)cert"):
        stranger.get(door.at(path="/health").url)
    with door.http() as client:
        assert client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "TRACE"])
def test_methods_that_the_endpoint_does_not_use_are_405(door: Door, method: str) -> None:
    with door.http() as client:
        assert client.request(method, "/mcp", headers={"Accept": "text/event-stream"}).status_code == 405


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://localhost.evil.example", "https://evil@localhost"]
)
def test_a_foreign_origin_is_403_on_every_path(door: Door, origin: str) -> None:
    with door.http(Origin=origin) as client:
        for path in ("/mcp", "/mcp/main", "/health", "/nothing"):
            assert client.post(path, json=DISCOVER, headers=MODERN).status_code == 403, path


def test_our_own_origin_is_served(door: Door) -> None:
    with door.http(Origin=f"https://localhost:{door.port}") as client:
        assert client.post("/mcp", json=DISCOVER, headers=MODERN).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["localhost"], 200),
        (["localhost:1"], 200),
        (["evil.example"], 421),
        (["169.254.169.254"], 421),
        (["localhost.evil.example"], 421),
        (["a/?x="], 400),
        (["localhost/../mcp"], 400),
        (["x@localhost"], 400),
        (["localhost", "evil.example"], 400),
        ([""], 400),
        ([], 400),
    ],
)
def test_host_tricks_are_refused(door: Door, hosts: list[str], status: int) -> None:
    lines = ["GET /health HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
    answer = exchange(door, "\r\n".join(lines).encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/mcp",
        "/mcp/../metrics",
        "/%2e%2e/metrics",
        "/mcp%2fmain",
        "/metrics",
        "/health/../metrics",
    ],
)
def test_only_the_paths_that_are_meant_lead_inside(door: Door, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {door.key}\r\n"
    answer = exchange(door, (head + "Connection: close\r\n\r\n").encode())
    assert answer.split(b" ")[1] in (b"400", b"404", b"405"), answer[:200]
    assert b"docgen_http_requests" not in answer
    assert b"haproxy_" not in answer


def test_metrics_are_there_inside_and_not_reachable_through_any_port(
    running_stack: Stack, door: Door
) -> None:
    inside = running_stack.inside("gateway", "bash", "-c", fetch_inside(8404, "/metrics"))
    assert "haproxy_process" in inside[1], inside
    with door.http() as client:
        for port in running_stack.ports().values():
            for path in ("/metrics", "/mcp/metrics", "/stats", "/main/metrics"):
                assert client.get(door.at(port=port, path=path).url).status_code == 404, (port, path)


def test_a_body_over_the_limit_is_413_whether_announced_or_not(door: Door) -> None:
    big = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"' + b"a" * (EIGHT_MEBIBYTES + 1024) + b'"}}'

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(big), 65_536):
            yield big[start : start + 65_536]

    with door.http(**{"Content-Type": "application/json"}) as client:
        assert client.post("/mcp", content=big, headers=MODERN).status_code == 413
        with contextlib.suppress(httpx2.WriteError):  # the answer may come before the whole body went out
            assert client.post("/mcp", content=pieces(), headers=MODERN).status_code == 413
        huge = {"Content-Length": str(10**9), "Host": "localhost"}
        lines = [f"{name}: {value}" for name, value in {**huge, **door.headers(), **MODERN}.items()]
        answer = exchange(door, "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", "{"]).encode())
        assert b" 413 " in answer[:20], answer[:200]
        # and it still serves
        assert client.post("/mcp", json=DISCOVER, headers=MODERN).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b"{", b"\xff\xfe", b"[]", b"NaN", b'{"id":NaN}', b""],
    ids=["deep list", "deep object", "cut", "not text", "empty batch", "NaN", "NaN inside", "nothing"],
)
def test_what_is_no_message_is_refused_and_the_stack_goes_on(door: Door, body: bytes) -> None:
    with door.http(**{"Content-Type": "application/json"}) as client:
        answer = client.post("/mcp", content=body, headers=MODERN)
        assert answer.status_code == 400, answer.text
        assert "Traceback" not in answer.text
        assert client.post("/mcp", json=DISCOVER, headers=MODERN).status_code == 200


def test_headers_that_contradict_the_body_and_unknown_versions_and_methods_are_told_apart(
    door: Door,
) -> None:
    with door.http() as client:
        lying = client.post("/mcp", json=DISCOVER, headers=MODERN | {"Mcp-Method": "tools/list"})
        assert (lying.status_code, lying.json()["error"]["code"]) == (400, -32020)
        silent = {name: value for name, value in MODERN.items() if name != "Mcp-Method"}
        missing = client.post("/mcp", json=DISCOVER, headers=silent)
        assert (missing.status_code, missing.json()["error"]["code"]) == (400, -32020)

        future = json.loads(json.dumps(DISCOVER).replace("2026-07-28", "2099-01-01"))
        version = client.post("/mcp", json=future, headers=MODERN | {"MCP-Protocol-Version": "2099-01-01"})
        assert (version.status_code, version.json()["error"]["code"]) == (400, -32022)
        assert "2026-07-28" in version.text

        unknown = client.post(
            "/mcp", json=DISCOVER | {"method": "no/such"}, headers=MODERN | {"Mcp-Method": "no/such"}
        )
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, -32601)


# -- one id on every hop -----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_correlation_id_crosses_gateway_orchestrator_and_main(
    running_stack: Stack, door: Door
) -> None:
    wanted, trace = f"test.{uuid.uuid4().hex}", f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    async with door.client(headers={"X-Correlation-ID": wanted, "traceparent": trace}) as client:
        await client.call_tool("docs_kinds", {})
    services = ("gateway", "orchestrator", "main")

    def everywhere() -> list[dict[str, Any]]:
        lines = logged(running_stack, wanted, *services)
        calls = [line for line in lines if "docs_kinds" in line["text"] and line["service"] == "main"]
        return lines if calls and {line["service"] for line in lines} == set(services) else []

    lines = wait_until(everywhere, what="the id is in the logs of all three services")
    assert all(json.loads(line["text"])["correlation_id"] == wanted for line in lines)
    assert any(json.loads(line["text"]).get("traceparent") == trace for line in lines)


@pytest.mark.parametrize("sent", [None, "has space", "x" * 129, "line\x85break", '"quoted"'])
def test_an_unusable_correlation_id_is_replaced_and_the_answer_tells_the_new_one(
    door: Door, sent: str | None
) -> None:
    headers = {} if sent is None else {"X-Correlation-ID": sent.encode("latin-1")}
    with door.http() as client:
        told = client.get("/health", headers=headers).headers["x-correlation-id"]
        assert re.fullmatch(r"[A-Za-z0-9._-]{16,128}", told)
        assert told != sent
        mine = f"mine-{uuid.uuid4()}"
        assert client.get("/health", headers={"X-Correlation-ID": mine}).headers["x-correlation-id"] == mine


# -- parts -------------------------------------------------------------------------------------------


def logged(stack: Stack, wanted: str, *services: str) -> list[dict[str, Any]]:
    """Log lines of these services that hold the text, once each of them has one; else nothing."""
    lines = [line for line in stack.logs(*services) if wanted in line["text"]]
    return lines if {line["service"] for line in lines} >= set(services) else []


def exchange(door: Door, request: bytes) -> bytes:
    """Send these bytes over TLS as they are; everything that is answered."""
    with (
        socket.create_connection(("127.0.0.1", door.port), timeout=15) as raw,
        door.trust.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while not _complete(answer) and (part := connection.recv(65_536)):
                answer += part
    return answer


def _complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end and length and len(body) >= int(length[1]))


def fetch_inside(port: int, path: str) -> str:
    """A bash script that prints what an HTTP server on the container's own loopback answers."""
    ask = f"GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"
    return f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{ask}' >&3 && timeout 5 cat <&3"


@pytest.mark.anyio
async def test_who_listens_is_told_of_new_documents_and_of_changed_ones(door: Door) -> None:
    uri = "docs://generated/listened.md"
    async with (
        asyncio.timeout(60),
        door.client() as client,
        door.client() as other,
        client.listen(resources_list_changed=True, resource_subscriptions=[uri]) as listener,
    ):
        for content in ("one", "two"):
            await other.call_tool("files_write", {"path": "docs/generated/listened.md", "content": content})
        seen = {type(await anext(listener)).__name__ for _ in range(2)}
        assert seen == {"ResourcesListChanged", "ResourceUpdated"}


def test_the_session_by_which_older_clients_cancel_passes_the_gateway(door: Door) -> None:
    client = {"name": "test", "version": "1"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    older = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json, text/event-stream"}
    with door.http(**older) as http:
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        session = http.post("/mcp", json=message).headers["mcp-session-id"]
        gone = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        assert http.post("/mcp", json=gone, headers={"Mcp-Session-Id": session}).status_code == 202


@pytest.mark.anyio
async def test_what_happens_arrives_by_sse_and_by_websocket(door: Door) -> None:
    async with asyncio.timeout(30), contextlib.AsyncExitStack() as stack:
        streams = [events_by_sse(door), events_by_websocket(door)]
        for stream in streams:
            stack.push_async_callback(stream.aclose)  # type: ignore[attr-defined]
            assert (await anext(stream))["type"] == "events.ready"
        async with door.client() as client:
            await client.call_tool("files_write", {"path": "docs/generated/told.md", "content": "told"})
        for stream in streams:
            event = await anext(stream)
            assert (event["type"], event["data"]["path"]) == ("file.written", "docs/generated/told.md")
        async with door.client() as client:
            await client.call_tool("files_write", {"path": "docs/generated/later.md", "content": "later"})
        again = events_by_websocket(door, event["id"])
        stack.push_async_callback(again.aclose)  # type: ignore[attr-defined]
        assert (await anext(again))["type"] == "events.ready"
        assert (await anext(again))["data"]["path"] == "docs/generated/later.md"


@pytest.mark.anyio
async def test_events_are_not_for_those_without_a_key_nor_for_foreign_pages(door: Door) -> None:
    url = door.at(path="/events").url.replace("https://", "wss://")
    for status, headers in (
        (401, {}),
        (401, {"Authorization": "Bearer wrong"}),
        (403, door.headers(Origin="https://evil.example")),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, additional_headers=headers, ssl=door.trust, proxy=None):
                pass
        assert refused.value.response.status_code == status
        with door.http() as http:
            http.headers.pop("Authorization")
            assert http.get("/events", headers=headers).status_code == status
