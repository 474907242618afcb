"""Names that lie (attack case 81): a real squid asks a DNS server of the test's own.

"Out on the internet" is a network of documentation addresses (203.0.113.0/24) that only this test has. The
"inside" is a container on the stack's open network, with a private address. It answers whoever reaches it, so
that being reached would be seen; that it can be reached is shown by an entry that means it.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import pytest
from docker import APIClient
from docker.errors import APIError

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import Attachment
from docgenctl.planning.assemble_stack import ImageChoice
from docgenctl.rendering.egress import render_egress
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import TEMPLATES
from tests.unit.rendering.small_stack import SmallStack, health_check, make_small_stack, stand_in, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]

PORT = 443
#: An address kept for at least this long is the proxy's word against a second answer of the DNS.
KEPT_S = 30

#: Greets whoever connects, and says so.
SERVER = f"""
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("REACHED", flush=True)
        body = sys.argv[1].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", {PORT}), Handler).serve_forever()
"""

#: Answers each question by the name's list of answers, the last of which stays; every question is printed.
NAMES = """
import json, socket, struct, sys
answers = json.loads(sys.argv[1])
asked = {}
def record(kind, data):
    return b"\\xc0\\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data
def packed(value):
    if value.endswith(".example"):
        return 5, b"".join(bytes([len(part)]) + part.encode() for part in value.split(".")) + b"\\0"
    if ":" in value:
        return 28, socket.inet_pton(socket.AF_INET6, value)
    return 1, socket.inet_aton(value)
questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
questions.bind(("0.0.0.0", 53))
print("READY", flush=True)
while True:
    data, sender = questions.recvfrom(2048)
    end, labels = 12, []
    while data[end]:
        labels.append(data[end + 1 : end + 1 + data[end]].decode().lower())
        end += 1 + data[end]
    end += 5
    name, (kind,) = ".".join(labels), struct.unpack(">H", data[end - 4 : end - 2])
    turns = answers.get(name, [[]])
    number = asked.get((name, kind), 0)
    asked[name, kind] = number + 1
    found = [packed(value) for value in turns[min(number, len(turns) - 1)]]
    records = [record(*it) for it in found if it[0] in (kind, 5)]
    if len(found) == 2 and found[0][0] == 5:  # the address belongs to the name that the first record names
        target, address = found
        records = [record(*target)] + ([target[1] + record(*address)[2:]] if address[0] == kind else [])
    print("ASKED", name, kind, flush=True)
    head = data[:2] + b"\\x81\\x80\\0\\1" + struct.pack(">HHH", len(records), 0, 0)
    questions.sendto(head + data[12:end] + b"".join(records), sender)
"""

#: Asks the proxy for tunnels to one target, and prints how often what came of it, as JSON. Threads go on
#: until the first refusal, or the time is up.
ASK = """
import collections, json, socket, sys, threading, time
target, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
outcomes, over, deadline = collections.Counter(), threading.Event(), time.monotonic() + seconds
def ask():
    with socket.create_connection(("egress", 3128), 20) as proxy:
        proxy.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
        answer = proxy.recv(4096)
        status = answer.split()[1].decode()
        if status != "200":
            return status
        proxy.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while part := proxy.recv(4096):
            answer += part
        return "200 " + answer.decode("latin-1").rpartition("\\n")[2]
def go_on():
    while True:
        outcome = ask()
        outcomes[outcome] += 1
        if not outcome.startswith("200") or time.monotonic() > deadline:
            over.set()
        if over.wait(0.02):
            return
running = [threading.Thread(target=go_on) for _ in range(threads)]
for thread in running: thread.start()
for thread in running: thread.join()
print(json.dumps(outcomes))
"""


@dataclass(kw_only=True)
class World:
    """A proxy between a server of the stack, one inside and one outside; names lead where `NAMES` says."""

    parts: SmallStack

    def ask(self, name: str, *, server: str = "main", threads: int = 1, seconds: float = 0) -> dict[str, int]:
        """What came of asking for a tunnel to a name, and how often."""
        command = ("python3", "-c", ASK, f"{name}:{PORT}", str(threads), str(seconds))
        done = self.parts.engine.execute(self.parts.started[server], command)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))

    def asked(self, name: str) -> int:
        """How often the DNS was asked for an IPv4 address of a name."""
        return self.parts.log("names").count(f"ASKED {name} 1")

    def reached_inside(self) -> int:
        return self.parts.log("inside").count("REACHED")


def lies(inside: str, outside: str) -> dict[str, list[list[str]]]:
    """Name → what the DNS answers the first time, the second time, and so on."""
    return {
        "meant.example": [[inside]],
        "honest.example": [[outside]],
        "turning.example": [[outside], [inside]],
        "returning.example": [[inside], [outside]],
        "both.example": [[outside, inside]],
        "both-turned.example": [[inside, outside]],
        "alias.example": [["other.example", inside]],
        "loopback.example": [["127.0.0.1"]],
        "nowhere.example": [["0.0.0.0"]],
        "metadata.example": [["169.254.169.254"]],
        "metadata-too.example": [["100.100.100.200"]],
        "mapped.example": [[f"::ffff:{inside}"]],
        "mapped-loopback.example": [["::ffff:127.0.0.1"]],
        "both-kinds.example": [[outside, f"::ffff:{inside}"]],
        "address.example": [[outside], [inside]],
        "unique-local.example": [["fd00:ec2::254"]],
        "translated.example": [["64:ff9b::a00:1"]],
        "six-to-four.example": [["2002:a00:1::1"]],
    }


#: Names that are meant by an entry of another kind than those that the lies are tried with.
MEANT = ("meant.example", "address.example")


@pytest.fixture(scope="module")
def world(
    engine: DockerEngine,
    egress_image: ImageChoice,
    base_image: ImageChoice,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    project = project_name("rebind")
    allow = [
        f"meant.example:{PORT}",
        *(name for name in lies("", "") if name not in ("meant.example", "address.example")),
    ]
    settings = {"servers": {"main": {"egress": {"allow": allow}}, "github": {}}}
    api = APIClient(base_url=engine.info().address, version=engine.info().api_version, timeout=60)
    internet = f"{project}-internet"
    try:
        parts = make_small_stack(
            engine, project, tmp_path_factory.mktemp("p"), settings, {"egress": egress_image}, base_image
        )
        start(parts, "inside", SERVER, "inside")
        start(parts, "outside", SERVER, "outside")
        open_network(api, internet)
        api.connect_container_to_network(parts.started["outside"], internet)
        inside = address(api, parts.started["inside"], f"{project}_mcp-egress")
        outside = address(api, parts.started["outside"], internet)
        start(parts, "names", NAMES, json.dumps(lies(inside, outside)))
        names = address(api, parts.started["names"], f"{project}_mcp-egress")
        parts.blueprint = with_an_address_of(parts, "github", f"address.example:{PORT}")
        config = {
            "squid.conf": render_egress(parts.blueprint, TEMPLATES).encode(),
            "healthcheck.bash": health_check(parts.blueprint),
        }
        parts.fill("egress-config", config, base_image)
        waiting = (stand_in(parts.stack.service(name), "sleep", "infinity") for name in ("main", "github"))
        parts.start(*waiting)
        egress = engine.create_container(replace(parts.stack.service("egress"), dns=(names,)), parts.stack)
        api.connect_container_to_network(egress, internet)  # before it starts, so that it has IPv6
        engine.start_container(egress)
        parts.started["egress"] = egress
        check = parts.stack.service("egress").health_check.command
        wait_until(lambda: engine.execute(parts.started["egress"], check).exit_code == 0)
        wait_until(lambda: "READY" in parts.log("names"))
        yield World(parts=parts)
    finally:
        remove_project(engine, project)
        if api.networks(names=[internet]):
            api.remove_network(internet)
        api.close()


def start(parts: SmallStack, name: str, program: str, argument: str) -> None:
    """A container of the test's own on the open network; it runs a Python program."""
    like = stand_in(parts.stack.service("orchestrator"), "python3", "-c", program, argument)
    place = (Attachment(network="mcp-egress", aliases=()),)
    container = f"{parts.stack.project}-{name}-1"
    parts.start(replace(like, name=name, container_name=container, networks=place, dns=()))


def with_an_address_of(parts: SmallStack, name: str, host: str) -> Blueprint:
    """The blueprint in which a server has an address elsewhere, as `servers add --url` writes one."""
    servers = [
        replace(server, public_host=host) if server.name == name else server
        for server in parts.blueprint.servers
    ]
    return replace(parts.blueprint, servers=tuple(servers))


def open_network(api: APIClient, name: str) -> None:
    """A network of documentation addresses, which no list of private ones has."""
    for block in random.sample(range(16), 16):
        subnet = IPv4Network((f"203.0.113.{16 * block}", 28))
        configs = [{"Subnet": str(subnet)}, {"Subnet": f"2001:db8:{random.randrange(65536):x}::/64"}]
        ipam = {"Driver": "default", "Config": configs}
        try:
            api.create_network(name, driver="bridge", ipam=ipam, internal=True, enable_ipv6=True)
        except APIError as error:
            if "overlap" not in str(error):
                raise
        else:
            return
    raise AssertionError("no free subnet for the internet of this test")


def address(api: APIClient, container: str, network: str) -> str:
    return str(api.inspect_container(container)["NetworkSettings"]["Networks"][network]["IPAddress"])


def test_names_are_looked_up_where_the_test_says_and_lead_where_they_should(world: World) -> None:
    assert world.ask("honest.example") == {"200 outside": 1}
    assert world.ask("meant.example") == {"200 inside": 1}
    assert world.asked("honest.example") == world.asked("meant.example") == 1
    assert "ASKED honest.example 28" in world.parts.log("names"), "IPv6 is looked up here, too"


LYING = [name for name in lies("", "") if name not in (*MEANT, "honest.example", "turning.example")]


@pytest.mark.parametrize("name", LYING)
def test_a_name_with_any_address_that_is_not_out_on_the_internet_is_refused(world: World, name: str) -> None:
    reached = world.reached_inside()
    assert world.ask(name) == {"403": 1}
    assert world.reached_inside() == reached


def test_the_address_of_a_server_elsewhere_is_judged_by_where_it_leads_too(world: World) -> None:
    reached = world.reached_inside()
    assert world.ask("address.example", server="github") == {"200 outside": 1}
    assert world.ask("honest.example", server="github") == {"403": 1}, "another name than that of the address"
    assert world.reached_inside() == reached


def test_a_name_that_turns_inside_later_is_connected_to_where_it_was_judged_and_then_refused(
    world: World,
) -> None:
    reached = world.reached_inside()
    assert world.ask("turning.example") == {"200 outside": 1}
    assert world.asked("turning.example") == 1
    found = world.ask("turning.example", threads=4, seconds=3 * KEPT_S)
    assert set(found) == {"200 outside", "403"}, found
    assert found["200 outside"] > 4
    assert world.asked("turning.example") == 2, (
        "one look-up for all that were let through, and one that was not"
    )
    assert world.ask("turning.example", threads=4) == {"403": 4}
    assert world.reached_inside() == reached
