"""What every server does at its door, driven through a real process."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from .conftest import REPOSITORY, key_entry

HEALTHCHECK = REPOSITORY / "server_images/common/src/docgen_common/healthcheck.py"


@pytest.fixture
def server(make_server: Any) -> Any:
    running = make_server()
    running.switch_keys("1", key_entry("dgk_one"))
    return running.start(DOCGEN_MAX_BODY_BYTES="1024")


def test_only_health_is_open_and_only_for_reading(server: Any) -> None:
    assert server.get("/health").json() == {"status": "ok", "server": "probe"}
    assert server.get("/health/ready").status_code == 200
    for path in ("/metrics", "/say", "/nowhere", "/health/", "/health/ready/x", "//health", "/health%2f"):
        assert server.get(path).status_code == 401, path
    assert httpx2.post(f"http://127.0.0.1:{server.port}/health", trust_env=False).status_code == 401


def test_both_headers_carry_a_key_but_not_two_different_ones(server: Any) -> None:
    assert server.get("/say", "dgk_one").status_code == 200
    assert server.get("/say", **{"X-API-Key": "dgk_one"}).status_code == 200
    assert server.get("/say", "dgk_one", **{"X-API-Key": "dgk_one"}).status_code == 200
    assert server.get("/say", "dgk_one", **{"X-API-Key": "other"}).status_code == 401
    assert server.get("/say?api_key=dgk_one&key=dgk_one").status_code == 401


def test_blanks_around_a_header_are_no_part_of_its_value(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
        lines = (
            "GET /say HTTP/1.1",
            "Host: \t localhost \t ",
            "Authorization:  Bearer dgk_one  ",
            "Connection: close",
        )
        raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_only_the_orchestrators_key_may_name_another_caller(make_server: Any) -> None:
    server = make_server()
    server.switch_keys("1", key_entry("dgk_one"), key_entry("dgk_inner", "upstream-probe"))
    server.start()
    named = {"X-Docgen-Caller": "alice"}
    assert server.get("/whom", "dgk_one", **named).json() == "default"
    assert server.get("/whom", "dgk_inner", **named).json() == "alice"
    assert server.get("/whom", "dgk_inner").json() == "upstream-probe"
    assert server.get("/whom", "dgk_inner", **{"X-Docgen-Caller": "a b"}).json() == "upstream-probe"


def test_a_replaced_key_is_refused_within_a_second_and_the_new_one_works(server: Any) -> None:
    server.switch_keys("2", key_entry("dgk_two", "second"))
    switched = time.monotonic()
    while server.get("/say", "dgk_one").status_code == 200:
        assert time.monotonic() - switched < 1.5
    assert server.get("/say", "dgk_two").status_code == 200
    assert server.logged(key_id="second")


def test_what_is_open_under_a_key_ends_when_it_is_revoked_and_nobody_elses(make_server: Any) -> None:
    server = make_server()
    server.switch_keys("1", key_entry("dgk_one"), key_entry("dgk_two", "second"))
    server.start()
    base = f"http://127.0.0.1:{server.port}"

    def opened(key: str) -> Any:
        return httpx2.stream(
            "GET", f"{base}/stream", headers={"Authorization": f"Bearer {key}"}, trust_env=False
        )

    with opened("dgk_one") as kept, opened("dgk_two") as cut:
        staying, ending = kept.iter_raw(), cut.iter_raw()
        next(staying), next(ending)
        server.switch_keys("2", key_entry("dgk_one"))
        begun = time.monotonic()
        with pytest.raises(httpx2.RemoteProtocolError):
            deque(ending, maxlen=0)
        assert time.monotonic() - begun < 1.5
        assert next(staying)
        server.switch_keys("3", key_entry("dgk_one"), key_entry("dgk_three", "third"))
        time.sleep(1.2)
        for _ in range(5):
            assert next(staying)
    assert "Traceback" not in server.log.read_text()


def test_a_request_that_waits_is_answered_401_when_its_key_ends(server: Any) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=2)
    server.switch_keys("2", key_entry("dgk_two", expires=ends.isoformat()))
    time.sleep(0.6)
    answer = httpx2.get(
        f"http://127.0.0.1:{server.port}/sleep",
        headers={"Authorization": "Bearer dgk_two"},
        trust_env=False,
        timeout=20,
    )
    assert answer.status_code == 401
    assert timedelta(0) <= datetime.now(UTC) - ends < timedelta(seconds=1.5)


def test_a_listener_by_websocket_is_closed_when_its_key_is_revoked(server: Any) -> None:
    with connect(
        f"ws://127.0.0.1:{server.port}/events", additional_headers={"Authorization": "Bearer dgk_one"}
    ) as listener:
        listener.recv(timeout=5)
        server.switch_keys("2", key_entry("dgk_two"))
        begun = time.monotonic()
        with pytest.raises(ConnectionClosedError, match="the key has ended"):
            deque(listener, maxlen=0)
        assert listener.close_code == 1008
        assert time.monotonic() - begun < 1.5


def test_a_key_ends_at_its_expiry(server: Any) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=2.5)
    server.switch_keys("2", key_entry("dgk_two", expires=ends.isoformat()))
    time.sleep(1.1)
    assert server.get("/say", "dgk_two").status_code == 200
    time.sleep(max((ends - datetime.now(UTC)).total_seconds(), 0) + 0.05)
    assert server.get("/say", "dgk_two").status_code == 401


def test_a_broken_key_file_keeps_the_last_good_keys(server: Any) -> None:
    (server.secrets / "api-keys.json").write_text('{"version": 1, "keys": [{"id": "x", "sha2')
    time.sleep(1.1)
    assert server.get("/say", "dgk_one").status_code == 200
    (server.secrets / "api-keys.json").unlink()
    time.sleep(1.1)
    assert server.get("/say", "dgk_one").status_code == 200
    assert any("keys kept" in line["event"] for line in server.lines())


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(make_server: Any) -> None:
    server = make_server()
    past = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    server.switch_keys("1", key_entry("dgk_one"), key_entry("dgk_ended", "ended", expires=past))
    server.start()
    values = ["", "Bearer", "Basic dgk_one", "dgk_one", "Bearer dgk_one dgk_one", "bearer dgk_On"]
    values += [f"Bearer {key}" for key in ("dgk_ended", "dgk_unknown", "x" * 600)]
    wrong: list[dict[str, str]] = [{}, {"X-API-Key": ""}, *({"Authorization": value} for value in values)]
    wrong.append({"Authorization": "Bearer dgk_one", "X-API-Key": "dgk_ended"})
    for path in ("/say", "/metrics", "/say?key=dgk_one&api_key=dgk_one&access_token=dgk_one", "/nowhere"):
        answers = [server.get(path, **headers) for headers in wrong]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1
    assert "dgk_" not in server.log.read_text()


def test_an_empty_key_list_lets_nobody_in(server: Any) -> None:
    server.switch_keys("2")
    time.sleep(1.1)
    assert server.get("/say", "dgk_one").status_code == 401


@pytest.mark.parametrize(
    ("keys", "environment", "message"),
    [
        ([], {"DOCGEN_BIND": "0.0.0.0"}, "without any API key"),
        ([key_entry("changeme")], {}, "well-known default"),
        ([{"id": "x", "sha256": "ABC"}], {}, "sha256 must be 64"),
        ([key_entry("dgk_one", expires="2026-01-01T00:00:00")], {}, "needs a time zone"),
        ([key_entry("dgk_one")], {"DOCGEN_PORT": "65536"}, "DOCGEN_PORT"),
        ([key_entry("dgk_one")], {"DOCGEN_BIND": "everywhere"}, "DOCGEN_BIND"),
        ([key_entry("dgk_one")], {"DOCGEN_SERVER": "../x"}, "DOCGEN_SERVER"),
        ([key_entry("dgk_one")], {"MCP_LOG_LEVEL": "loud"}, "MCP_LOG_LEVEL"),
        ([key_entry("dgk_one")], {"DOCGEN_EGRESS_PROXY": "egress"}, "DOCGEN_EGRESS_PROXY"),
    ],
)
def test_unsafe_or_wrong_settings_end_with_one_json_line_and_status_78(
    make_server: Any, keys: list[Any], environment: dict[str, str], message: str
) -> None:
    running = make_server()
    running.switch_keys("1", *keys)
    running.start(wait=False, **environment)
    assert running.process.wait(20) == 78
    (line,) = running.lines()
    assert message in line["event"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_bounded_on_every_route(server: Any, chunked: bool) -> None:
    def post(size: int) -> httpx2.Response:
        content: Any = (b"x" * 100 for _ in range(size // 100)) if chunked else b"x" * size
        headers = {"Authorization": "Bearer dgk_one"}
        return httpx2.post(
            f"http://127.0.0.1:{server.port}/length", content=content, headers=headers, trust_env=False
        )

    assert post(1000).json() == 1000
    refused = post(1100)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")


def test_a_body_that_does_not_come_is_not_waited_for(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(
            b"POST /length HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dgk_one\r\n"
            b"Content-Length: 10\r\n\r\nab"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_request_ends_at_its_time_limit(make_server: Any) -> None:
    running = make_server()
    running.switch_keys("1", key_entry("dgk_one"))
    (running.folder / "server.json").write_text(json.dumps({"options": {"seconds": 0.5}}))
    running.start()
    assert running.get("/sleep", "dgk_one").status_code == 504
    with pytest.raises(httpx2.TransportError):
        running.get("/stream", "dgk_one")


@pytest.mark.parametrize(
    ("given", "kept"), [("a.B_c-9", True), ("x" * 128, True), ("x" * 129, False), ("a b", False)]
)
def test_a_correlation_id_is_taken_over_only_when_harmless(server: Any, given: str, kept: bool) -> None:
    answer = server.get("/say", "dgk_one", **{"X-Correlation-ID": given})
    returned = answer.headers["x-correlation-id"]
    assert (returned == given) is kept
    events = {line["event"] for line in server.logged(correlation_id=returned)}
    assert events == {"through structlog", "through logging", "request"}


def test_logs_are_json_with_the_fixed_fields_and_without_credentials(server: Any) -> None:
    server.get("/say", "dgk_one")
    (request,) = server.logged(event="request", path="/say")
    raw = server.log.read_text()
    assert "dgk_" not in raw
    assert "Bearer" not in raw
    for line in server.lines():
        assert {"time", "level", "event", "server"} <= line.keys()
    assert (request["key_id"], request["status"]) == ("default", 200)


def test_a_crash_is_a_500_that_says_nothing_and_a_log_that_says_all(server: Any) -> None:
    answer = server.get("/crash", "dgk_one")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "nobody" not in answer.text
    deadline = time.monotonic() + 5  # the answer goes out first, then the log line
    while "nobody's business" not in server.log.read_text():
        assert time.monotonic() < deadline
    assert any(line["event"] == "request" and line["status"] == 500 for line in server.lines())


def test_two_hosts_are_refused(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")


def test_readiness_is_asked_for_often_but_worked_out_once_a_second(server: Any) -> None:
    details = {server.get("/health/ready").json()["checks"]["counted"]["detail"] for _ in range(20)}
    assert len(details) <= 2


def test_a_check_that_raises_is_not_ready_and_leaks_nothing(make_server: Any) -> None:
    running = make_server()
    running.switch_keys("1", key_entry("dgk_one"))
    (running.folder / "server.json").write_text('{"options": {"broken": true}}')
    answer = running.start().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["broken"] == {"ok": False, "detail": "the check failed"}


def test_metrics_label_paths_by_what_is_known(server: Any) -> None:
    server.get("/say", "dgk_one")
    server.get("/some/odd/path", "dgk_one")
    text = server.get("/metrics", "dgk_one").text
    assert 'docgen_http_requests_total{method="GET",path="/say",status="200"} 1.0' in text
    assert 'docgen_http_requests_total{method="GET",path="unmatched",status="404"} 1.0' in text
    assert "docgen_http_requests_in_flight 1.0" in text
    assert "/some/odd" not in text


def test_sigterm_ends_an_open_stream_and_the_process_within_ten_seconds(server: Any) -> None:
    with httpx2.stream(
        "GET",
        f"http://127.0.0.1:{server.port}/stream",
        headers={"Authorization": "Bearer dgk_one"},
        trust_env=False,
    ) as answer:
        next(answer.iter_raw())
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(15)
    assert time.monotonic() - begun < 10


def test_the_health_check_tells_a_server_that_answers_from_one_that_does_not(server: Any) -> None:
    def check() -> int:
        environ = {"DOCGEN_PORT": str(server.port)}
        return subprocess.run([sys.executable, "-I", "-S", HEALTHCHECK], env=environ, timeout=10).returncode

    assert check() == 0
    server.process.kill()
    server.process.wait(10)
    assert check() == 1
