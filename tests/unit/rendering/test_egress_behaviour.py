"""squid.conf at work: a real squid, hardened as in the stack, between stand-ins for servers and the outside.

The "outside" is a container on the stack's open network. Its address is a private one, so entries that name
it with a port reach it and bare ones must not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.stack import Attachment
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.rendering.egress import render_egress
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import EMPTY, FULL, TEMPLATES, make_blueprint
from tests.unit.rendering.small_stack import SmallStack, health_check, make_small_stack, stand_in, wait_until

pytestmark = pytest.mark.engine

#: Listens on two ports and greets whoever connects, in HTTP.
OUTSIDE = """
import http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = [name for name in ("Via", "X-Forwarded-For", "Forwarded") if name in self.headers]
        body = ("outside " + ",".join(seen)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
for port in (443, 8443):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Handler)
    threading.Thread(target=server.serve_forever).start()
"""

#: Asks the proxy and prints the status line of its answer, and for tunnels what is at their end.
ASK = """
import socket, sys
method, target = sys.argv[1:3]
with socket.create_connection(("egress", 3128), 20) as proxy:
    proxy.sendall(f"{method} {target} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n".encode())
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        part = proxy.recv(4096)
        if not part:
            break
        head += part
    answer = head
    if method == "CONNECT" and b" 200 " in head.split(b"\\r\\n")[0]:
        proxy.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    while part := proxy.recv(4096):
        answer += part
print(head.split()[1].decode(), "outside" if b"outside " in answer else "-", answer.decode("latin-1"))
"""

ALLOW = [
    "outside.example:8443",
    "bare.example",
    "*.wild.example:8443",
    ".tree.example:8443",
    "169.254.169.254:80",
    "127.0.0.1:3128",
    "github:8000",
    "nowhere.example:8443",
]
NAMES = ("outside.example", "bare.example", "unlisted.example", "a.b.wild.example", "wild.example")


@dataclass(kw_only=True)
class Egress:
    parts: SmallStack
    containers: dict[str, str]

    def ask(self, server: str, method: str, target: str) -> tuple[int, bool, str]:
        """Status of the proxy's answer, whether the outside answered, and all that came back."""
        command = ("python3", "-c", ASK, method, target)
        done = self.parts.engine.execute(self.containers[server], command)
        assert done.exit_code == 0, done.output
        status, outside, answer = done.output.split(" ", 2)
        return int(status), outside == "outside", answer


@pytest.fixture(scope="module")
def egress(
    engine: DockerEngine,
    egress_image: ImageChoice,
    base_image: ImageChoice,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Egress]:
    project = project_name("egress")
    folder = tmp_path_factory.mktemp("project")
    allow = {"servers": {"main": {"egress": {"allow": ALLOW}}, "github": {}}}
    try:
        parts = make_small_stack(engine, project, folder, allow, {"egress": egress_image}, base_image)
        config = render_egress(parts.blueprint, TEMPLATES).encode()
        files = {"squid.conf": config, "healthcheck.bash": health_check(parts.blueprint)}
        parts.fill("egress-config", files, base_image)
        outside = replace(
            stand_in(parts.stack.service("orchestrator"), "python3", "-c", OUTSIDE),
            name="outside",
            container_name=f"{project}-outside-1",
            networks=(Attachment(network="mcp-egress", aliases=(*NAMES, "tree.example", "x.tree.example")),),
            dns=(),
        )
        waiting = (stand_in(parts.stack.service(name), "sleep", "infinity") for name in ("main", "github"))
        started = parts.start(outside, parts.stack.service("egress"), *waiting)
        running = Egress(parts=parts, containers=started)
        wait_until(lambda: listens(running))
        yield running
    finally:
        remove_project(engine, project)


def listens(egress: Egress) -> bool:
    check = egress.parts.stack.service("egress").health_check.command
    there = egress.parts.engine.execute(egress.containers["egress"], check).exit_code == 0
    probe = ("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8443 4<>/dev/tcp/127.0.0.1/443")
    return there and egress.parts.engine.execute(egress.containers["outside"], probe).exit_code == 0


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "outside.example:8443"),
        ("CONNECT", "OUTSIDE.example:8443"),
        ("GET", "http://outside.example:8443/"),
        ("CONNECT", "a.b.wild.example:8443"),
        ("CONNECT", "tree.example:8443"),
        ("CONNECT", "x.tree.example:8443"),
    ],
)
def test_what_is_on_the_list_is_reached(egress: Egress, method: str, target: str) -> None:
    status, outside, answer = egress.ask("main", method, target)
    assert (status, outside) == (200, True), answer


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "unlisted.example:8443"),
        ("CONNECT", "outside.example:443"),
        ("GET", "http://outside.example/"),
        ("GET", "http://unlisted.example:8443/"),
        ("GET", "ftp://outside.example:8443/"),
        ("CONNECT", "wild.example:8443"),
        ("CONNECT", "outside.example.evil:8443"),
        ("GET", "http://outside.example:8443@unlisted.example:8443/"),
        ("GET", "http://bare.example/"),
    ],
)
def test_what_is_not_is_refused(egress: Egress, method: str, target: str) -> None:
    status, outside, answer = egress.ask("main", method, target)
    assert (status, outside) == (403, False), answer


def test_another_server_s_list_opens_nothing(egress: Egress) -> None:
    assert egress.ask("main", "CONNECT", "outside.example:8443")[0] == 200
    assert egress.ask("github", "CONNECT", "outside.example:8443")[0] == 403


def test_a_name_that_leads_to_a_private_address_is_refused_unless_its_port_is_named(egress: Egress) -> None:
    assert egress.ask("main", "CONNECT", "bare.example:443")[0] == 403
    assert egress.ask("main", "CONNECT", "outside.example:8443")[0] == 200


@pytest.mark.parametrize("target", ["169.254.169.254:80", "127.0.0.1:3128", "github:8000"])
def test_metadata_this_machine_and_closed_networks_stay_shut_even_when_listed(
    egress: Egress, target: str
) -> None:
    assert egress.ask("main", "CONNECT", target)[0] == 403
    assert egress.ask("main", "GET", f"http://{target}/")[0] == 403


@pytest.mark.parametrize("address", ["2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_other_ways_to_write_this_machine_are_refused(egress: Egress, address: str) -> None:
    status, outside, _ = egress.ask("main", "CONNECT", f"{address}:3128")
    assert status in (400, 403)
    assert not outside


def test_nothing_of_the_caller_is_told_outside(egress: Egress) -> None:
    answer = egress.ask("main", "GET", "http://outside.example:8443/")[2]
    assert answer.rstrip().endswith("outside"), "the outside saw headers of the proxy"


def test_every_attempt_is_logged_as_json_under_its_server_s_name(egress: Egress) -> None:
    egress.ask("main", "CONNECT", "logged.example:443")
    egress.ask("github", "GET", "http://logged.example/path-canary?query-canary")
    egress.ask("main", "CONNECT", "outside.example:8443")

    def logged() -> set[tuple[str, str, str]]:
        records = egress.parts.records("egress")
        return {(record["server"], record["host"], record["result"]) for record in records}

    expected = {
        ("main", "logged.example", "TCP_DENIED"),
        ("github", "logged.example", "TCP_DENIED"),
        ("main", "outside.example", "TCP_TUNNEL"),
    }
    wait_until(lambda: expected <= logged())
    assert "canary" not in "".join(egress.parts.log("egress"))


def test_the_healthcheck_leaves_no_line_in_the_log(egress: Egress) -> None:
    command = egress.parts.stack.service("egress").health_check.command
    before = len(egress.parts.records("egress"))
    assert egress.parts.engine.execute(egress.containers["egress"], command).exit_code == 0
    assert len(egress.parts.records("egress")) == before
    assert all(record["client"] != "127.0.0.1" for record in egress.parts.records("egress"))


def test_squid_stops_at_once_when_asked(egress: Egress, egress_image: ImageChoice) -> None:
    container = egress.containers["egress"]
    egress.parts.engine.stop_container(container, 10)
    seen = egress.parts.engine.inspect(container)
    egress.parts.engine.start_container(container)
    wait_until(lambda: listens(egress))
    assert seen is not None
    assert seen.exit_code == 0


@pytest.mark.parametrize("settings", [FULL, EMPTY], ids=["full", "empty"])
def test_squid_accepts_the_file(egress: Egress, engine: DockerEngine, settings: dict, tmp_path: Path) -> None:
    text = render_egress(make_blueprint(settings), TEMPLATES)
    script = 'printf %s "$0" > /tmp/check.conf && squid -k parse -f /tmp/check.conf'
    done = engine.execute(egress.containers["egress"], ("bash", "-c", script, text))
    assert done.exit_code == 0, done.output
    assert not [line for line in done.output.splitlines() if "ERROR" in line or "FATAL" in line]
