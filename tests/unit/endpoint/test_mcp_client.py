"""Our client against a server on the official SDK, over TLS."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from docgenctl.certificates import ensure_gateway_certificate
from docgenctl.endpoint import McpEndpoint, Progress, ResourceContent, RpcError, ToolResult
from docgenctl.endpoint.connection import Connection
from docgenctl.model.errors import DocgenError, NotHealthyError
from tests.unit.endpoint.running import Stack

Addresses = Callable[..., None]
Canned = Callable[..., ToolResult]


def code_of(use: Callable[[], object]) -> str:
    with pytest.raises(NotHealthyError) as error:
        use()
    return error.value.code


def until(found: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def resolves_to(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Lets every name resolve to these addresses, as /etc/hosts would."""

    def resolve(*addresses: str) -> None:
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, port, **_: [
                (families[":" in address], socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses
            ],
        )

    return resolve


def test_it_discovers_what_the_server_speaks(client: McpEndpoint) -> None:
    assert "2026-07-28" in client.discover()["supportedVersions"]


def test_it_lists_the_tools(client: McpEndpoint) -> None:
    assert [tool["name"] for tool in client.list_tools()] == [
        "echo",
        "grüße",
        "steps",
        "fail",
        "second_wind",
        "hang",
    ]


def test_it_follows_a_list_over_all_its_pages(shared: Stack) -> None:
    with McpEndpoint(shared.at("/paged")) as client:
        assert [tool["name"] for tool in client.list_tools()] == ["tool-0", "tool-1", "tool-2"]


def test_a_list_without_an_end_is_an_error(shared: Stack) -> None:
    with McpEndpoint(shared.at("/endless")) as client, pytest.raises(NotHealthyError, match="no end"):
        client.list_tools()


def test_it_calls_tools(client: McpEndpoint) -> None:
    result = client.call_tool("echo", {"text": "ä\n€"})
    assert (result.text, result.structured, result.is_error, result.complete) == (
        "ä\n€",
        {"result": "ä\n€"},
        False,
        True,
    )
    assert client.call_tool("grüße", {}).text == "hallo"


def test_a_large_answer_arrives_whole(client: McpEndpoint) -> None:
    text = "0123456789" * 150_000
    assert client.call_tool("echo", {"text": text}).text == text


def test_a_tool_that_fails_is_a_result(client: McpEndpoint) -> None:
    result = client.call_tool("fail", {})
    assert result.is_error
    assert "luck" in result.text


def test_progress_is_told_in_order_and_while_the_tool_runs(client: McpEndpoint, shared: Stack) -> None:
    """The tool goes on only after the callback was here: were reports held back, this would not end."""
    reports: list[Progress] = []

    def seen(report: Progress) -> None:
        reports.append(report)
        (shared.signals / f"seen-{report.progress:.0f}").touch()

    assert client.call_tool("steps", {"count": 4}, seen).text == "done"
    assert reports == [Progress(number, 4, f"step {number}") for number in range(1, 5)]


def test_the_connection_is_kept_over_plain_and_streamed_answers(client: McpEndpoint, shared: Stack) -> None:
    for number in range(1, 5):
        (shared.signals / f"seen-{number}").touch()
    client.discover()
    first = client._connection._connection
    client.call_tool("steps", {"count": 4}, lambda _: None)
    client.call_tool("echo", {"text": "x"})
    assert client._connection._connection is first is not None


def test_a_connection_that_the_server_closed_is_replaced_even_for_a_call(
    client: McpEndpoint, shared: Stack
) -> None:
    client.discover()
    connection = client._connection._connection
    assert connection is not None
    readable, _, _ = select.select([connection.sock], [], [], 10)
    assert readable, "the server closes what is idle for a second"
    assert client.call_tool("echo", {"text": "again"}).text == "again"


def test_it_reads_resources_of_text_and_of_bytes(client: McpEndpoint) -> None:
    assert client.read_resource("docs://read me") == (
        ResourceContent("docs://read me", "text/markdown", b"# read me"),
    )
    assert client.read_resource("docs://binary/data")[0].data == b"\x00\xff"


def test_the_servers_own_errors_carry_their_code_and_message(client: McpEndpoint) -> None:
    with pytest.raises(RpcError, match=r"-32602") as error:
        client.read_resource("nothing://here")
    assert error.value.rpc_code == -32602
    with pytest.raises(RpcError, match=r"-32601"):
        client.request("no/such", {})
    assert client.call_tool("echo", {"text": "still here"}).text == "still here"


def test_silence_ends_the_call_and_cancels_it_at_the_server(shared: Stack) -> None:
    (shared.signals / "cancelled").unlink(missing_ok=True)
    with McpEndpoint(shared.endpoint, timeout_s=0.5) as client:
        assert code_of(lambda: client.call_tool("hang", {}, lambda _: None)) == "timed_out"
    until((shared.signals / "cancelled").exists)


def test_an_interrupt_during_a_call_cancels_it_at_the_server(client: McpEndpoint, shared: Stack) -> None:
    (shared.signals / "cancelled").unlink(missing_ok=True)

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.call_tool("hang", {}, interrupt)
    until((shared.signals / "cancelled").exists)
    assert client.call_tool("echo", {"text": "usable"}).text == "usable"


def test_a_server_killed_during_an_answer_is_told(own: Stack) -> None:
    with (
        McpEndpoint(own.endpoint) as client,
        pytest.raises(NotHealthyError, match="closed the connection") as error,
    ):
        client.call_tool("hang", {}, lambda _: own.process.kill())
    assert error.value.code == "connection_closed"
    assert error.value.hint


def test_a_killed_server_is_unreachable_and_its_successor_is_used(own: Stack) -> None:
    with McpEndpoint(own.endpoint) as client:
        client.discover()
        own.process.kill()
        own.process.wait()
        with pytest.raises(NotHealthyError, match="nothing answers") as error:
            client.discover()
        assert error.value.code == "unreachable"
        assert "docgenctl up" in error.value.hint


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/busy", "rate_limited"),
        ("/down", "upstream_down"),
        ("/large", "too_large"),
        ("/closed", "forbidden"),
    ],
)
def test_each_refusal_on_the_way_has_a_code_and_the_id_to_find_it_by(
    shared: Stack, path: str, code: str
) -> None:
    with McpEndpoint(shared.at(path)) as client, pytest.raises(NotHealthyError) as error:
        client.discover()
    assert error.value.code == code
    assert error.value.details == ("correlation id abc-123",)


def test_the_wait_that_the_gateway_asks_for_is_in_the_hint(shared: Stack) -> None:
    with McpEndpoint(shared.at("/busy")) as client, pytest.raises(NotHealthyError) as error:
        client.discover()
    assert "7 s" in error.value.hint


def test_an_endpoint_that_is_not_there_is_told_with_where_they_are_listed(shared: Stack) -> None:
    with McpEndpoint(shared.at("/mcp/gone")) as client, pytest.raises(NotHealthyError) as error:
        client.discover()
    assert error.value.message.endswith("/mcp/gone for this key")
    assert "docgenctl routes" in error.value.hint


def test_a_key_that_is_not_accepted_is_told_without_the_key(shared: Stack, tmp_path: Path) -> None:
    key = tmp_path / "api-key"
    key.write_text("dgk_canary\n")
    with McpEndpoint(replace(shared.endpoint, api_key_file=key)) as client:
        with pytest.raises(NotHealthyError, match=str(key)) as error:
            client.discover()
        assert error.value.code == "unauthorized"
        shown = repr([client, client.endpoint, error.value, error.value.hint, error.value.details])
        assert "canary" not in shown
        assert "'docgenctl up' puts this one into effect" in error.value.hint
    key.chmod(0o600)
    own = replace(shared.endpoint, api_key_file=key, own_key=True)
    with McpEndpoint(own) as client, pytest.raises(NotHealthyError) as refused:
        client.discover()
    assert "docgenctl up" not in refused.value.hint
    assert "docgenctl keys list --all" in refused.value.hint


def test_a_changed_key_is_used_at_once(shared: Stack, tmp_path: Path) -> None:
    key = tmp_path / "api-key"
    key.write_text("dgk_old\n")
    with McpEndpoint(replace(shared.endpoint, api_key_file=key)) as client:
        assert code_of(client.discover) == "unauthorized"
        key.write_bytes(shared.endpoint.api_key_file.read_bytes())
        assert client.discover()


def test_a_server_of_another_authority_is_refused_naming_the_file_we_trust(
    shared: Stack, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    other = ensure_gateway_certificate(
        tmp_path / "state", [], "development", datetime.now(UTC), project="other"
    )
    with McpEndpoint(replace(shared.endpoint, ca_file=other.root_path)) as client:
        with pytest.raises(NotHealthyError, match=str(other.root_path)) as error:
            client.discover()
        assert error.value.code == "tls"


def test_a_name_that_the_certificate_lacks_is_refused(shared: Stack, resolves_to: Addresses) -> None:
    resolves_to("127.0.0.1")
    url = shared.endpoint.url.replace("localhost", "evil.example")
    with McpEndpoint(replace(shared.endpoint, url=url)) as client:
        assert code_of(client.discover) == "tls"


@pytest.mark.parametrize("content", [None, "rubbish"])
def test_a_root_that_cannot_be_read_is_told(shared: Stack, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "root.pem"
    if content is not None:
        path.write_text(content)
    with McpEndpoint(replace(shared.endpoint, ca_file=path)) as client:
        with pytest.raises(NotHealthyError, match=str(path)) as error:
            client.discover()
        assert error.value.code == "ca_missing"


def test_a_name_works_although_its_first_address_refuses(shared: Stack, resolves_to: Addresses) -> None:
    resolves_to("::1", "127.0.0.3", "127.0.0.1")
    with McpEndpoint(shared.endpoint) as client:
        assert client.discover()


def test_a_stranger_at_the_first_address_is_passed_by(
    own: Stack, tmp_path: Path, resolves_to: Addresses
) -> None:
    """Another program may hold the port on one of the addresses of localhost."""
    (tmp_path / "other").mkdir(mode=0o700)
    ensure_gateway_certificate(tmp_path / "other", [], "development", datetime.now(UTC), project="other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "other" / "gateway.pem")
    resolves_to("127.0.0.2", "127.0.0.1")
    with answering(context, [b""], ("127.0.0.2", own.endpoint.port)), McpEndpoint(own.endpoint) as client:
        assert client.discover()


class answering:  # noqa: N801 - reads as a statement
    """A TLS listener that answers each connection's first request with given bytes, then hangs up.

    With `impatient` it does so without reading the request's body.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        answers: list[bytes],
        address: tuple[str, int],
        *,
        impatient: bool = False,
    ) -> None:
        self._context, self._answers, self._impatient = context, answers, impatient
        self._listener = socket.create_server(address)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                plain, _ = self._listener.accept()
                with plain, self._context.wrap_socket(plain, server_side=True) as connection:
                    self._read_request(connection.makefile("rb"))
                    connection.sendall(answer)
            except OSError:
                continue

    def _read_request(self, request: BinaryIO) -> None:
        length = 0
        while (line := request.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not self._impatient:
            request.read(length)

    def __enter__(self) -> "answering":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


@pytest.fixture
def canned(shared: Stack) -> Canned:
    """Calls a tool at a listener that answers with exactly these bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shared.endpoint.ca_file.parent.parent / "gateway.pem")

    def call(head: str, body: bytes, *, text: str = "", impatient: bool = False) -> ToolResult:
        answer = f"HTTP/1.1 {head}\r\n\r\n".encode() + body
        with answering(context, [answer], ("127.0.0.1", 0), impatient=impatient) as server:
            url = f"https://127.0.0.1:{server.port}/mcp"
            with McpEndpoint(replace(shared.endpoint, url=url), timeout_s=5) as client:
                return client.call_tool("echo", {"text": text}, lambda _: None)

    return call


JSON = "200 OK\r\nContent-Type: application/json\r\nContent-Length: "
STREAM = "200 OK\r\nContent-Type: text/event-stream\r\nConnection: close"
CHUNKS = "200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("head", "body", "code"),
    [
        (JSON + "100", b'{"jsonrpc":', "connection_closed"),
        (JSON + "0", b"", "protocol"),
        (JSON + "2", b"[]", "protocol"),
        (JSON + "4", b"\xff\xfe{}", "protocol"),
        (JSON + "36", b'{"jsonrpc":"2.0","id":9,"result":{}}', "protocol"),
        (JSON + "36", b'{"jsonrpc":"2.0","id":1,"result":[]}', "protocol"),
        ("302 Found\r\nLocation: http://evil/\r\nContent-Length: 0", b"", "protocol"),
        ("502 Bad Gateway\r\nContent-Length: 0", b"", "upstream_down"),
        (STREAM, b"", "connection_closed"),
        (STREAM, b": ping\n\n", "connection_closed"),
        (STREAM, b"data: {oops\n\n", "protocol"),
        (STREAM, b'data: {"id":1,"result":{}}', "connection_closed"),
        (CHUNKS, b"20\r\ndata: ", "connection_closed"),
        (CHUNKS, b"zz\r\ndata: ", "connection_closed"),
    ],
)
def test_an_answer_that_is_cut_off_or_no_mcp_is_told_apart(
    canned: Canned, head: str, body: bytes, code: str
) -> None:
    assert code_of(lambda: canned(head, body)) == code


@pytest.mark.parametrize("impatient", [False, True])
def test_a_body_too_large_is_told_although_nobody_read_it(canned: Canned, impatient: bool) -> None:
    with pytest.raises(NotHealthyError) as error:
        canned("413 Too Large\r\nContent-Length: 0", b"", text="x" * 20_000_000, impatient=impatient)
    # Who hangs up on what it did not read resets the connection; its answer comes through most of the time.
    assert error.value.code in ("too_large", *(["connection_closed"] if impatient else []))
    assert "gateway/max_body in docgen.yaml" in error.value.hint


def test_a_small_request_that_is_broken_off_is_not_called_too_large(canned: Canned) -> None:
    with pytest.raises(NotHealthyError) as error:
        canned(JSON + "100", b'{"jsonrpc":')
    assert "max_body" not in error.value.hint


def test_what_is_not_http_at_all_is_no_mcp_server(canned: Canned) -> None:
    assert code_of(lambda: canned("nonsense\r\n\r\n", b"\0" * 100)) == "protocol"


def test_other_notifications_and_strange_reports_are_passed_over(canned: Canned) -> None:
    body = (
        b'data: {"method":"notifications/message","params":{"data":"x"}}\n\n'
        b'data: {"method":"notifications/progress","params":{"progressToken":99,"progress":1}}\n\n'
        b'data: {"method":"notifications/progress","params":{"progressToken":1,"progress":"much"}}\n\n'
        b'data: {"method":"notifications/progress"}\n\n'
        b'data: {"jsonrpc":"2.0","id":1,"result":{"content":"none"}}\n\n'
    )
    assert canned(STREAM, body).text == ""


def test_control_characters_of_a_server_do_not_reach_an_error(canned: Canned) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"a\\u001b[31mb\\nc"}}'
    with pytest.raises(RpcError) as error:
        canned(JSON + str(len(body)), body)
    assert error.value.message == "a [31mb c (-32000)"


def test_thousands_of_answers_over_one_connection_belong_to_their_questions(client: McpEndpoint) -> None:
    for number in range(1000):
        assert client.call_tool("echo", {"text": str(number)}).text == str(number)


def test_errors_on_the_way_are_errors_for_users(shared: Stack) -> None:
    connection = Connection(replace(shared.endpoint, url="https://localhost:1/mcp"), timeout_s=1)
    with pytest.raises(DocgenError) as error:
        connection.request("GET", "/health", repeatable=True)
    assert error.value.code == "unreachable"
