"""haproxy.cfg at work: a real HAProxy, hardened as in the stack, before a stand-in for the orchestrator."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docgenctl.certificates.gateway import ensure_gateway_certificate
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.planning.assemble_stack import ORCHESTRATOR_NETWORK, ImageChoice
from docgenctl.rendering.gateway import render_gateway
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import EMPTY, FULL, TEMPLATES, make_blueprint
from tests.unit.rendering.small_stack import (
    Client,
    SmallStack,
    health_check,
    make_small_stack,
    read,
    stand_in,
    wait_until,
)

STAND_IN = Path(__file__).with_name("stand_in_orchestrator.py").read_text(encoding="utf-8")
#: Lets a `stream` of the stand-in go on, from inside its container.
GO = """
import urllib.request
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000/", headers={"X-Test": "go"}))
"""
SETTINGS = {
    "gateway": {"hostnames": ["localhost", "docs.example.com"], "max_body": "64k"},
    "servers": {"main": {}, "github": {}},
}

pytestmark = pytest.mark.engine


@dataclass(kw_only=True)
class Gateway:
    parts: SmallStack
    root: bytes
    orchestrator: str

    def __call__(self, purpose: str = "orchestrator") -> Client:
        return Client(self.parts.blueprint.ports[purpose], self.root)


@pytest.fixture(scope="module")
def gateway(
    engine: DockerEngine,
    gateway_image: ImageChoice,
    base_image: ImageChoice,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    project = project_name("gateway")
    state = tmp_path_factory.mktemp("state", numbered=True)
    state.chmod(0o700)
    try:
        parts = make_small_stack(engine, project, state, SETTINGS, {"gateway": gateway_image}, base_image)
        certificate = ensure_gateway_certificate(state, [], "development", datetime.now(UTC), project=project)
        config = render_gateway(parts.blueprint, TEMPLATES)
        # Two seconds instead of thirty, so that tests of patience end.
        assert "timeout client 30s" in config
        config = config.replace("timeout client 30s", "timeout client 2s")
        config = config.replace("timeout http-request 10s", "timeout http-request 2s")
        config = config.replace("wait-for-body time 30s", "wait-for-body time 2s")
        files = {"haproxy.cfg": config.encode(), "healthcheck.bash": health_check(parts.blueprint)}
        parts.fill("gateway-config", {**files, "version": b"1"}, base_image)
        parts.fill("gateway-secrets", {"gateway.pem": certificate.pem, "version": b"1"}, base_image)
        orchestrator = stand_in(parts.stack.service("orchestrator"), "python3", "-c", STAND_IN)
        place = next(it for it in orchestrator.networks if it.network == ORCHESTRATOR_NETWORK)
        orchestrator = replace(orchestrator, networks=(place,))
        # The gateway first: it must come up while its backend does not exist yet.
        parts.start(parts.stack.service("gateway"))
        started = parts.start(orchestrator)
        running = Gateway(parts=parts, root=certificate.root_pem, orchestrator=started["orchestrator"])
        wait_until(lambda: is_up(running))
        yield running
    finally:
        remove_project(engine, project)


def is_up(gateway: Gateway) -> bool:
    try:
        return gateway().ask("GET", "/health").status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("door", "path", "target"),
    [
        ("orchestrator", "/mcp", "/mcp"),
        ("orchestrator", "/mcp/main", "/mcp/main"),
        ("orchestrator", "/mcp/github", "/mcp/github"),
        ("orchestrator", "/health", "/health"),
        ("orchestrator", "/health/ready", "/health/ready"),
        ("orchestrator", "/health/ready/main", "/health/ready/main"),
        ("main", "/mcp", "/mcp/main"),
        ("main", "/health", "/health/ready/main"),
        ("github", "/mcp", "/mcp/github"),
        ("github", "/health", "/health/ready/github"),
        ("main_health", "/health", "/health/ready/main"),
        ("main_health", "/health/ready", "/health/ready/main"),
    ],
)
def test_known_paths_reach_the_orchestrator(gateway: Gateway, door: str, path: str, target: str) -> None:
    method = "POST" if "mcp" in path else "GET"
    answer = gateway(door).ask(method, path, body=b"{}" if method == "POST" else None)
    assert (answer.status, answer.json()["target"]) == (200, target)


@pytest.mark.parametrize(
    ("door", "method", "path"),
    [
        ("orchestrator", "GET", "/metrics"),
        ("orchestrator", "GET", "/"),
        ("orchestrator", "POST", "/mcp/"),
        ("orchestrator", "POST", "/mcp/other"),
        ("orchestrator", "POST", "//mcp"),
        ("orchestrator", "POST", "/health/../mcp"),
        ("orchestrator", "POST", "/%6dcp"),
        ("orchestrator", "POST", "/health"),
        ("main", "POST", "/mcp/github"),
        ("main", "GET", "/metrics"),
        ("main_health", "POST", "/mcp"),
        ("main_health", "POST", "/health"),
        ("main_health", "DELETE", "/health/ready"),
        ("main_health", "GET", "/health/ready/github"),
    ],
)
def test_everything_else_is_not_found(gateway: Gateway, door: str, method: str, path: str) -> None:
    answer = gateway(door).ask(method, path)
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_query_is_not_passed_on_and_not_logged(gateway: Gateway) -> None:
    answer = gateway().ask("POST", "/mcp?key=canary-5f2c", {"X-Correlation-ID": "query"}, b"{}")
    assert answer.json()["target"] == "/mcp"
    wait_until(lambda: any(r["correlation_id"] == "query" for r in gateway.parts.records("gateway")))
    assert "canary-5f2c" not in "".join(gateway.parts.log("gateway"))


def test_the_absolute_form_reaches_the_orchestrator_in_the_plain_form(gateway: Gateway) -> None:
    port = gateway().port
    answer = gateway().ask("POST", f"https://localhost:{port}/mcp", {"Host": f"localhost:{port}"}, b"{}")
    assert (answer.status, answer.json()["target"]) == (200, "/mcp")


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "BREW"])
def test_methods_that_nothing_uses_are_refused(gateway: Gateway, method: str) -> None:
    assert gateway().ask(method, "/mcp").status == 405


@pytest.mark.parametrize("path", ["/mcp", "/mcp/github"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_without_sessions_endpoints_take_post_alone(gateway: Gateway, method: str, path: str) -> None:
    answer = gateway().ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_what_only_our_own_services_may_say_is_stripped(gateway: Gateway) -> None:
    sent = {
        "X-Forwarded-For": "8.8.8.8",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Client-Cert": "Hash=1",
        "Forwarded": "for=8.8.8.8",
        "X-Real-IP": "8.8.8.8",
        "X-Docgen-Subject": "admin",
        "X-Upstream-Authorization": "Bearer x",
        "X-Original-URL": "/metrics",
        "Proxy": "http://evil.example",
        "Proxy-Authorization": "Basic eDp5",
        "Authorization": "Bearer dgk_mine",
        "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    headers = gateway().ask("POST", "/mcp", sent, b"{}").json()["headers"]
    arrived = dict(headers)
    assert len(arrived) == len(headers), "a header came twice"
    assert not {"forwarded", "x-real-ip", "x-docgen-subject", "x-upstream-authorization"} & set(arrived)
    assert not {"x-original-url", "proxy", "proxy-authorization", "x-forwarded-client-cert"} & set(arrived)
    assert "8.8.8.8" not in arrived["x-forwarded-for"]
    assert arrived["x-forwarded-proto"] == "https"
    assert arrived["x-forwarded-host"].startswith("localhost:")
    assert arrived["authorization"] == "Bearer dgk_mine"
    assert arrived["traceparent"] == sent["Traceparent"]
    assert arrived["host"] == "orchestrator"


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
def test_a_harmless_correlation_id_goes_all_the_way_and_back(gateway: Gateway, given: str) -> None:
    answer = gateway().ask("POST", "/mcp", {"X-Correlation-ID": given}, b"{}")
    assert answer.headers["x-correlation-id"] == given
    assert ["x-correlation-id", given] in answer.json()["headers"]


@pytest.mark.parametrize("given", [[], ["x" * 129], ["a b"], ['a"b'], ["a,b"], ["é"], [""], ["a", "b"]])
def test_any_other_correlation_id_is_replaced(gateway: Gateway, given: list[str]) -> None:
    answer = gateway().ask("POST", "/mcp", [("X-Correlation-ID", value) for value in given], b"{}")
    made = answer.headers["x-correlation-id"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made)
    assert [value for name, value in answer.json()["headers"] if name == "x-correlation-id"] == [made]


def test_refusals_carry_the_correlation_id_too(gateway: Gateway) -> None:
    answer = gateway().ask("GET", "/nothing", {"X-Correlation-ID": "mine"})
    assert (answer.status, answer.headers["x-correlation-id"]) == (404, "mine")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1234", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("docs.example.com", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("docsxexample.com", 421),
        ("a/?x=", 400),
        ("localhost@evil.example", 400),
        ("localhost evil", 400),
        ("localhost:port", 400),
        ("", 400),
    ],
)
def test_the_host_must_be_well_formed_and_ours(gateway: Gateway, host: str, status: int) -> None:
    assert gateway().ask("GET", "/health", {"Host": host}).status == status


def test_two_hosts_or_none_are_refused(gateway: Gateway) -> None:
    twice = b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    none = b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"
    unlike = b"GET https://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for request in (twice, none, unlike):
        assert gateway().raw(request).startswith(b"HTTP/1.1 4"), request


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5173", 200),
        ("https://docs.example.com", 200),
        ("https://evil.example", 403),
        ("https://localhost.evil.example", 403),
        ("null", 403),
    ],
)
def test_only_pages_of_our_own_hosts_may_ask(gateway: Gateway, origin: str, status: int) -> None:
    answer = gateway().ask("POST", "/mcp", {"Origin": origin}, b"{}")
    assert answer.status == status
    if status == 200:
        assert "origin" not in dict(answer.json()["headers"])


@pytest.mark.parametrize("announced", [64 * 1024 + 1, 10**9, 2**32 + 1, 2**63 - 1])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(
    gateway: Gateway, announced: int
) -> None:
    request = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n\r\n"
    assert gateway().raw(request.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_the_largest_size_passes(gateway: Gateway) -> None:
    answer = gateway().ask("POST", "/mcp", body=b"x" * 64 * 1024)
    assert (answer.status, answer.json()["length"]) == (200, 64 * 1024)


def test_a_chunked_body_is_left_for_the_orchestrator_to_count(gateway: Gateway) -> None:
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    body = chunk * 20 + b"0\r\n\r\n"
    answer = gateway().ask("POST", "/mcp", {"Transfer-Encoding": "chunked"}, body)
    assert (answer.status, answer.json()["length"]) == (200, 20 * 4096)


def test_events_arrive_one_by_one(gateway: Gateway) -> None:
    connection = gateway().open()
    connection.request("POST", "/mcp", b"{}", {"X-Test": "stream"})
    response = connection.getresponse()
    assert response.readline() == b"first\n"  # the second is not even written yet
    gateway().ask("POST", "/mcp", {"X-Test": "go"}, b"{}")
    assert read(response).body == b"\nsecond\n\n"
    connection.close()


def test_a_body_that_never_comes_is_cut(gateway: Gateway) -> None:
    answer = gateway().raw(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'"code"' in answer


def drip(gateway: Gateway, begin: bytes, drop: bytes) -> tuple[bytes, float]:
    """Send the beginning, then a drop every 0.2 s; what comes back first, and after how many seconds."""
    begun = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", gateway().port), 20) as plain,
        gateway().context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(begin)
        tls.settimeout(0.2)
        answer = b""
        while time.monotonic() - begun < 15:
            try:
                part = tls.recv(65536)
            except TimeoutError:
                try:
                    tls.sendall(drop)
                except OSError:
                    break
                continue
            answer += part
            break
    return answer, time.monotonic() - begun


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n"),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["headers", "body", "chunks"],
)
def test_headers_and_bodies_that_come_drop_by_drop_are_cut_and_others_go_on(
    gateway: Gateway, begin: bytes, drop: bytes
) -> None:
    with ThreadPoolExecutor() as pool:
        slow = [pool.submit(drip, gateway, begin, drop) for _ in range(8)]
        while not all(one.done() for one in slow):
            assert gateway().ask("POST", "/mcp", body=b"{}").status == 200
    for answer, seconds in (one.result() for one in slow):
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert seconds < 10


def test_a_reader_that_does_not_read_is_cut_and_others_go_on(gateway: Gateway) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Test: flood\r\nX-Correlation-ID: lazy\r\n"
    with (
        socket.create_connection(("127.0.0.1", gateway().port), 20) as plain,
        gateway().context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(head + b"Content-Length: 0\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 ")

        def told() -> list[str]:
            assert gateway().ask("POST", "/mcp", body=b"{}").status == 200
            records = gateway.parts.records("gateway")
            return [r["termination"] for r in records if r["correlation_id"] == "lazy"]

        wait_until(lambda: bool(told()))
        assert told()[0].startswith("cD")  # c: the client's time was up, D: during data


def test_a_protocol_that_was_switched_passes_both_ways(gateway: Gateway) -> None:
    """As WebSocket does on /events."""
    upgrade = b"GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    upgrade += (
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"  # RFC 6455, 1.3
    )
    with (
        socket.create_connection(("127.0.0.1", gateway().port), 20) as plain,
        gateway().context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(upgrade + b"X-Test: echo\r\n\r\n")
        assert tls.recv(4096).startswith(b"HTTP/1.1 101 ")
        for word in (b"one", b"two"):
            tls.sendall(word)
            assert tls.recv(4096) == word.upper()
            time.sleep(2.5)  # longer than the silence of a client whose turn it is


@pytest.mark.parametrize("door", ["orchestrator", "main", "github", "main_health"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://evil.example"}, 403), ({"Host": "evil.example"}, 421)],
)
def test_every_door_turns_foreign_pages_and_hosts_away(
    gateway: Gateway, door: str, headers: dict[str, str], status: int
) -> None:
    assert gateway(door).ask("GET", "/health", headers).status == status


@pytest.mark.parametrize("kind", ["slow", "quiet"])
def test_a_client_that_waits_for_its_answer_is_not_cut(gateway: Gateway, kind: str) -> None:
    assert gateway().ask("POST", "/mcp", {"X-Test": kind}, b"{}").status == 200


def test_responses_say_nothing_of_what_runs_inside_and_keep_their_caching(gateway: Gateway) -> None:
    answer = gateway().ask("POST", "/mcp", body=b"{}")
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache, private"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_real_names_ask_browsers_to_insist_on_tls(gateway: Gateway) -> None:
    for host, insists in (("docs.example.com", True), ("localhost:8080", False), ("127.0.0.1", False)):
        headers = gateway().ask("GET", "/health", {"Host": host}).headers
        assert ("strict-transport-security" in headers) == insists, host


def test_the_access_log_is_json_and_knows_no_secret(gateway: Gateway) -> None:
    sent = {"X-Correlation-ID": "logged", "Authorization": "Bearer dgk_canary", "X-API-Key": "dgk_canary"}
    gateway("main").ask("POST", "/mcp", sent, b"{}")
    gateway().ask("GET", '/"quoted\\path"', {"X-Correlation-ID": "odd"})
    wait_until(lambda: {"logged", "odd"} <= {r["correlation_id"] for r in gateway.parts.records("gateway")})
    records = {record["correlation_id"]: record for record in gateway.parts.records("gateway")}
    record = records["logged"]
    assert (record["method"], record["path"], record["status"]) == ("POST", "/mcp", 200)
    assert (record["frontend"], record["backend"]) == ("server-main", "orchestrator")
    assert record["tls"] == "TLSv1.3"
    assert record["ms"]["total"] >= 0
    assert datetime.fromisoformat(record["time"]).tzinfo is not None
    assert records["odd"]["path"] == '/"quoted\\path"'
    assert "dgk_canary" not in "".join(gateway.parts.log("gateway"))


def test_plain_http_is_not_spoken(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway().port), 10) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(4096)


def test_health_and_metrics_are_for_the_inside_only(gateway: Gateway) -> None:
    script = (
        "exec 3<>/dev/tcp/127.0.0.1/8404; "
        "printf 'GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' \"$0\" >&3; cat <&3"
    )
    container = gateway.parts.engine.observe(gateway.parts.stack.project).container("gateway")
    assert container is not None
    expected = {"/health": '"status": "ok"', "/metrics": "haproxy_process_", "/x": "404 Not Found"}
    for path, content in expected.items():
        done = gateway.parts.engine.execute(container.id, ("bash", "-c", script, path))
        assert content in done.output, path


def test_http_2_is_spoken_and_guarded_alike(gateway: Gateway) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")

    def curl(path: str, *options: str) -> tuple[str, str]:
        url = f"https://localhost:{gateway().port}{path}"
        command = [
            "curl",
            "--silent",
            "--insecure",
            "--http2",
            "--write-out",
            "\n%{http_version} %{http_code}",
        ]
        done = subprocess.run(
            [*command, *options, url], capture_output=True, text=True, check=True, timeout=30
        )
        body, _, verdict = done.stdout.rpartition("\n")
        return body, verdict

    body, verdict = curl("/mcp/main?x=1", "--data", "{}")
    assert verdict == "2 200"
    assert json.loads(body)["target"] == "/mcp/main"
    assert curl("/metrics")[1] == "2 404"
    assert curl("/mcp", "--header", "Host: evil.example", "--data", "{}")[1] == "2 421"
    assert curl("/mcp", "--data", "x" * (64 * 1024 + 1))[1] == "2 413"


def test_a_stop_lets_open_requests_end_and_no_idle_connection_hold_it_up(gateway: Gateway) -> None:
    container = gateway.parts.started["gateway"]
    idle, busy = gateway().open(), gateway().open()
    idle.request("GET", "/health")
    assert idle.getresponse().read()
    busy.request("POST", "/mcp", b"{}", {"X-Test": "stream"})
    response = busy.getresponse()
    assert response.readline() == b"first\n"
    with ThreadPoolExecutor() as pool:
        stopping = pool.submit(gateway.parts.engine.stop_container, container, 12)
        wait_until(lambda: not is_up(gateway))  # nobody new is let in
        assert not stopping.done()
        orchestrator = gateway.parts.started["orchestrator"]
        gateway.parts.engine.execute(orchestrator, ("python3", "-c", GO))
        assert response.read() == b"\nsecond\n\n"
        busy.close()  # its answer had promised to keep it; HAProxy 3.0 then waits for the next request
        begun = time.monotonic()
        stopping.result()
    # Killed after its grace it would take twelve seconds, and not end by itself.
    assert time.monotonic() - begun < 5
    seen = gateway.parts.engine.inspect(container)
    gateway.parts.engine.start_container(container)
    wait_until(lambda: is_up(gateway))
    assert seen is not None
    assert seen.exit_code == 0
    idle.close()


def test_the_health_check_answers_as_long_as_the_gateway_does(gateway: Gateway) -> None:
    command = gateway.parts.stack.service("gateway").health_check.command
    assert gateway.parts.engine.execute(gateway.parts.started["gateway"], command).exit_code == 0
    closed = (*command[:2], "9", "/health")
    assert gateway.parts.engine.execute(gateway.parts.started["gateway"], closed).exit_code == 1


def test_a_restarted_orchestrator_is_found_again_without_a_restart_here(gateway: Gateway) -> None:
    gateway.parts.engine.stop_container(gateway.orchestrator, 1)
    wait_until(lambda: gateway().ask("POST", "/mcp", body=b"{}").status == 503)
    answer = gateway().ask("POST", "/mcp", body=b"{}")
    assert (answer.headers["retry-after"], answer.json()["error"]["code"]) == ("1", "unavailable")
    gateway.parts.engine.start_container(gateway.orchestrator)
    wait_until(lambda: gateway().ask("POST", "/mcp", body=b"{}").status == 200)


@pytest.mark.parametrize("settings", [FULL, EMPTY], ids=["full", "empty"])
def test_haproxy_accepts_the_file(
    gateway_image: ImageChoice,
    settings: dict,
    engine: DockerEngine,
    sweep: Callable[..., str],
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    parts = make_small_stack(engine, sweep("check"), tmp_path, settings, {}, gateway_image)
    certificate = ensure_gateway_certificate(tmp_path, [], "development", datetime.now(UTC), project="check")
    config = render_gateway(make_blueprint(settings), TEMPLATES).encode()
    parts.fill("gateway-config", {"haproxy.cfg": config, "version": b"1"}, gateway_image)
    parts.fill("gateway-secrets", {"gateway.pem": certificate.pem, "version": b"1"}, gateway_image)
    service = replace(parts.stack.service("gateway"), command=("sleep", "60"), ports=(), networks=())
    started = parts.start(service)
    check = ("haproxy", "-c", "-V", "-dW", "-f", "/etc/docgen/config/current/haproxy.cfg")
    done = engine.execute(started["gateway"], check)
    assert (done.exit_code, "Configuration file is valid" in done.output) == (0, True), done.output
