"""Who can reach whom, tried from inside the containers; every "cannot" has somebody beside it who can."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.outside import (
    DNS_PORT,
    FAKE_ADDRESS,
    GREETING,
    HTTP_PORT,
    Outside,
    attempts,
    host_addresses,
    host_listener,
    outside_world,
)
from tests.e2e.stack import SERVICES, Door, Stack, wait_until

pytestmark = pytest.mark.engine

SERVERS = ("main", "github")
#: Ports that something listens on inside some container of the stack.
INNER_PORTS = (8000, 3128, 8080, 3000, 3200, 8800, 8404)

#: Asks the egress proxy for each [method, host, port]; prints the status and the beginning of the answer.
THROUGH_THE_PROXY = """
import json, socket, sys
def ask(method, host, port):
    with socket.create_connection(("egress", 3128), timeout=5) as proxy:
        proxy.settimeout(10)
        if method == "CONNECT":
            proxy.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
            head = proxy.recv(4096)
            if b" 200 " in head[:20]:
                proxy.sendall(b"GET /tunnel HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
                while part := proxy.recv(4096):
                    head += part
        else:
            proxy.sendall(f"GET http://{host}:{port}/plain HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n".encode())
            head = b""
            while part := proxy.recv(4096):
                head += part
    return [int(head.split()[1]), head.decode("latin-1")[-200:]]
print(json.dumps([ask(*wanted) for wanted in json.loads(sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    with host_listener() as port:
        yield port


@pytest.fixture(scope="module")
def outside(running_stack: Stack, api: APIClient) -> Iterator[Outside]:
    image = api.inspect_container(running_stack.containers()["main"])["Image"]
    with outside_world(api, image) as world:
        yield world


@pytest.fixture(scope="module")
def addresses(running_stack: Stack, api: APIClient) -> dict[str, dict[str, str]]:
    """Service → network key → address."""
    found = {}
    for service, container in running_stack.containers().items():
        networks = api.inspect_container(container)["NetworkSettings"]["Networks"]
        found[service] = {
            name.removeprefix(f"{running_stack.project}_"): network["IPAddress"]
            for name, network in networks.items()
        }
    return found


def reached(found: dict[Any, str]) -> dict[Any, str]:
    return {target: what for target, what in found.items() if not what.startswith("no: ")}


def control_attempts(outside: Outside, targets: list[tuple[str, int]]) -> dict[Any, str]:
    """The control container's tries, again until all succeed: a new bridge settles IPv6 for seconds."""
    deadline = time.monotonic() + 15
    while True:
        found = attempts(outside.api, outside.control, tcp=targets)["tcp"]
        if len(reached(found)) == len(targets) or time.monotonic() > deadline:
            return found


# -- out of a server ---------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [*SERVERS, "orchestrator"])
def test_the_host_cannot_be_reached_from_a_closed_network_and_can_from_an_open_one(
    running_stack: Stack,
    api: APIClient,
    outside: Outside,
    listener: int,
    addresses: dict[str, dict[str, str]],
    service: str,
) -> None:
    targets = [(outside.host_address, listener), (outside.host_address_v6, listener)]
    control = control_attempts(outside, targets)
    assert len(reached(control)) == 2, control

    own_bridges = [first_address(api, f"{running_stack.project}_{key}") for key in addresses[service]]
    ports = [listener, *running_stack.ports().values()]
    hosts = {*host_addresses(api), *own_bridges, outside.host_address, outside.host_address_v6}
    targets = [(host, port) for host in sorted(hosts) for port in ports]
    found = attempts(api, running_stack.containers()[service], tcp=targets)["tcp"]
    assert reached(found) == {}


@pytest.mark.parametrize("service", [*SERVERS, "orchestrator", "gateway"])
def test_nothing_outside_can_be_reached_past_the_egress_proxy(
    running_stack: Stack, api: APIClient, outside: Outside, service: str
) -> None:
    targets = [
        (outside.server_address, HTTP_PORT),
        (outside.server_address_v6, HTTP_PORT),
    ]
    control = control_attempts(outside, targets)
    assert all(GREETING in what for what in control.values()), control
    container = running_stack.containers()[service]
    if service == "gateway":  # has bash and no Python
        tries = "".join(
            f"(timeout 2 bash -c ': < /dev/tcp/{host}/{port}' && echo REACHED {host}) & "
            for host, port in [*targets, ("orchestrator", 8000)]
        )
        _, said = running_stack.inside("gateway", "bash", "-c", f"{tries} wait")
        assert [line for line in said.splitlines() if "REACHED" in line] == ["REACHED orchestrator"]
    else:
        assert reached(attempts(api, container, tcp=targets)["tcp"]) == {}


@pytest.mark.parametrize("service", [*SERVERS, "orchestrator"])
def test_outside_names_are_not_looked_up_and_names_of_the_stack_are(
    running_stack: Stack, api: APIClient, outside: Outside, service: str
) -> None:
    resolver = (outside.server_address, DNS_PORT)
    control = attempts(api, outside.control, udp=[resolver])["udp"]
    assert control[resolver].endswith(bytes(map(int, FAKE_ADDRESS.split("."))).hex())
    asked = outside.said().count("DNS")

    own = "egress" if service in SERVERS else "main"
    names = [
        "example.com",
        "canary.tunnel.example.org",
        "host.docker.internal",
        "gateway.docker.internal",
        own,
    ]
    found = attempts(api, running_stack.containers()[service], udp=[resolver], names=names)
    assert set(reached(found["names"])) == {own}, found
    assert reached(found["udp"]) == {}
    assert outside.said().count("DNS") == asked


@pytest.mark.parametrize(("service", "other"), [("main", "github"), ("github", "main")])
def test_servers_cannot_reach_each_other_or_the_gateway(
    running_stack: Stack, api: APIClient, addresses: dict[str, dict[str, str]], service: str, other: str
) -> None:
    containers = running_stack.containers()
    meant = [("egress", 3128), ("orchestrator", 8000), ("localhost", 8000)]
    assert set(reached(attempts(api, containers[service], tcp=meant)["tcp"])) == set(meant)
    assert len(reached(attempts(api, containers["orchestrator"], tcp=[(other, 8000)])["tcp"])) == 1

    names = [other, "gateway", f"{running_stack.project}-{other}-1", f"{running_stack.project}-gateway-1"]
    far = [
        address
        for name in (other, "gateway", "egress", "orchestrator")
        for network, address in addresses[name].items()
        if network != f"mcp-{service}"
    ]
    targets = [(address, port) for address in far for port in INNER_PORTS]
    found = attempts(api, containers[service], tcp=targets, names=names)
    assert reached(found["tcp"]) == {}
    assert reached(found["names"]) == {}


@pytest.mark.parametrize("service", SERVERS)
def test_the_key_of_a_server_is_neither_the_clients_nor_anothers(
    running_stack: Stack, door: Door, service: str
) -> None:
    ask = """
import json, sys, urllib.error, urllib.request
def status(key):
    url, sent = f"http://{sys.argv[1]}:8000/metrics", {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, headers=sent)
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
keys = [open(f"/run/secrets/current/upstream-{name}").read().strip() for name in sys.argv[1:3]]
print(json.dumps([status(key) for key in (*keys, sys.argv[3])]))
"""
    other = "github" if service == "main" else "main"
    assert running_stack.python_inside("orchestrator", ask, service, other, door.key) == [200, 401, 401]


def test_no_container_has_an_address_of_ipv6(running_stack: Stack) -> None:
    for service in SERVICES:
        code, said = running_stack.inside(service, "bash", "-c", "cat /proc/net/if_inet6 2>/dev/null || true")
        assert code == 0
        assert [line for line in said.splitlines() if not line.endswith(" lo")] == [], service


# -- into the stack ----------------------------------------------------------------------------------


def test_only_the_gateway_publishes_ports_and_only_on_this_machine(
    running_stack: Stack, api: APIClient
) -> None:
    published = {}
    for service, container in running_stack.containers().items():
        bindings = api.inspect_container(container)["NetworkSettings"]["Ports"] or {}
        published[service] = [one for several in bindings.values() for one in several or ()]
    assert {service for service, bound in published.items() if bound} == {"gateway"}
    assert {one["HostIp"] for one in published["gateway"]} == {"127.0.0.1"}
    ours = {int(one["HostPort"]) for one in published["gateway"]}
    assert ours == set(running_stack.ports().values())
    listening = {address for address, port in listening_sockets() if port in ours}
    assert listening == {"0100007F"}  # 127.0.0.1, as the kernel writes it


def test_from_another_network_no_port_of_the_stack_answers(
    running_stack: Stack,
    api: APIClient,
    outside: Outside,
    listener: int,
    addresses: dict[str, dict[str, str]],
) -> None:
    reachable = (outside.host_address, listener)
    ports = running_stack.ports().values()
    targets = [(host, port) for host in (outside.host_address, outside.host_address_v6) for port in ports]
    # Packets to a closed network leave by the default route, where somebody may answer for any address: so
    # what an address of the stack says counts only when an address that nobody has says something else.
    nobody = {}
    for networks in addresses.values():
        for key, address in networks.items():
            unused = first_address(api, f"{running_stack.project}_{key}", 13)
            nobody |= {(address, port): (unused, port) for port in INNER_PORTS}
    asked = [reachable, *targets, *nobody, *sorted(set(nobody.values()))]
    found = {
        target: re.sub(r"date: [^\r]*", "", what, flags=re.IGNORECASE)
        for target, what in attempts(api, outside.control, tcp=asked)["tcp"].items()
    }
    answered = {target for target in reached(found) if target not in nobody.values()}
    assert answered - {target for target in nobody if found[target] == found[nobody[target]]} == {reachable}
    inside = attempts(api, running_stack.containers()["orchestrator"], tcp=[("main", 8000)])["tcp"]
    assert "foreign_host" in inside["main", 8000], inside


# -- the egress proxy --------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVERS)
def test_the_proxy_refuses_everything_by_default_and_says_so_in_its_log(
    running_stack: Stack, outside: Outside, service: str
) -> None:
    canary = f"asked-by-{service}.example.org"
    wanted = [
        ("CONNECT", canary, 443),
        ("GET", canary, 80),
        ("CONNECT", outside.server_address, HTTP_PORT),
        ("GET", outside.server_address, HTTP_PORT),
        ("CONNECT", "169.254.169.254", 80),
        ("GET", "localhost", 3128),
        ("CONNECT", "api.github.com", 443),
    ]
    answers = running_stack.python_inside(service, THROUGH_THE_PROXY, json.dumps(wanted))
    assert [status for status, _ in answers] == [403] * len(wanted)
    denied = wait_until(lambda: egress_lines(running_stack, host=canary), what="the refusal is logged")
    assert len(denied) == 2
    for line in denied:
        assert (line["server"], line["status"]) == (service, 403)
        assert "DENIED" in line["result"]


def test_the_proxy_lets_exactly_what_is_allowed_through(
    workspace: MakeStack, api: APIClient, running_stack: Stack
) -> None:
    stack = workspace("egress")
    stack.up()
    image = api.inspect_container(stack.containers()["main"])["Image"]
    with outside_world(api, image) as world:
        network = f"{stack.project}_mcp-egress"
        with attached(api, world.server, network, "allowed.test") as address:
            ask = [
                ("GET", "allowed.test", HTTP_PORT),
                ("CONNECT", "allowed.test", HTTP_PORT),
                ("GET", address, HTTP_PORT),
                ("CONNECT", "allowed.test", 443),
                ("GET", "sub.allowed.test", HTTP_PORT),
            ]
            before = stack.python_inside("main", THROUGH_THE_PROXY, json.dumps(ask))
            assert [status for status, _ in before] == [403] * 5

            stack.configure({"servers": {"main": {"egress": {"allow": [f"allowed.test:{HTTP_PORT}"]}}}})
            steps = stack.up()["steps"]
            assert [(step["verb"], step["subject"]) for step in steps] == [("reload", "egress")], steps

            after = stack.python_inside("main", THROUGH_THE_PROXY, json.dumps(ask))
            assert [status for status, _ in after] == [200, 200, 403, 403, 403], after
            assert GREETING in after[0][1]
            assert GREETING in after[1][1]
            assert "/plain" in world.said()
            assert "/tunnel" in world.said()
            other = stack.python_inside("github", THROUGH_THE_PROXY, json.dumps(ask))
            assert [status for status, _ in other] == [403] * 5
        lines = wait_until(lambda: egress_lines(stack, status=200), what="what was let through is logged")
        assert {(line["server"], line["host"]) for line in lines} == {("main", "allowed.test")}


# -- hardening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_hardened_as_inspection_tells(
    running_stack: Stack, api: APIClient, service: str
) -> None:
    container = api.inspect_container(running_stack.containers()[service])
    config, host = container["Config"], container["HostConfig"]
    assert config["User"].split(":")[0] not in ("", "0", "root")
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["Init"] is True
    assert host["Memory"] == host["MemorySwap"] == 512 * 1024**2
    assert host["NanoCpus"] == 10**9
    assert host["PidsLimit"] == 256
    assert host["LogConfig"]["Type"] == "json-file"
    assert set(host["LogConfig"]["Config"]) == {"max-size", "max-file"}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("", "", "")
    assert host["IpcMode"] == "private"
    assert not host["Devices"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert "docker.sock" not in json.dumps(container)
    assert not host["PublishAllPorts"]
    reference = config["Image"]
    assert reference.startswith(("docgenctl/", "sha256:")), reference
    assert container["State"]["Health"]["Status"] == "healthy"
    binds = [mount for mount in container["Mounts"] if mount["Type"] == "bind"]
    folder = str(running_stack.directory)
    expected = {folder: False, f"{folder}/docs/generated": True} if service == "main" else {}
    assert {bind["Source"]: bind["RW"] for bind in binds} == expected


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_hardened_as_seen_from_inside(running_stack: Stack, service: str) -> None:
    script = """
for p in /proc/[0-9]*; do
  while read -r key value rest; do
    case $key in
      Name:) name=$value;;
      # the engine's own step of starting a check in here, before it becomes the service's user
      Uid:|CapEff:|CapBnd:|NoNewPrivs:) [[ $name == runc* ]] || echo "$key $value";;
    esac
  done < $p/status
done 2>/dev/null
for folder in / /etc /usr /opt /run/secrets /etc/docgen/config; do
  (: > $folder/probe) 2>/dev/null && echo "WRITABLE $folder"
done
[ -e /var/run/docker.sock ] && echo "SOCKET"
true
"""
    code, said = running_stack.inside(service, "bash", "-c", script)
    assert code == 0, said
    facts = {}
    for line in said.splitlines():
        key, _, value = line.partition(" ")
        facts.setdefault(key, set()).add(value)
    assert set(facts) == {"Uid:", "CapEff:", "CapBnd:", "NoNewPrivs:"}, said
    assert "0" not in facts["Uid:"]
    assert {int(value, 16) for value in facts["CapEff:"] | facts["CapBnd:"]} == {0}
    assert facts["NoNewPrivs:"] == {"1"}


def test_the_closed_networks_are_closed_and_small(running_stack: Stack, api: APIClient) -> None:
    for network in api.networks(filters={"label": f"com.docker.compose.project={running_stack.project}"}):
        key = network["Name"].removeprefix(f"{running_stack.project}_")
        found = api.inspect_network(network["Id"])
        assert found["Internal"] is (key not in ("mcp-frontend", "mcp-egress")), key
        assert not found["EnableIPv6"]
        (config,) = found["IPAM"]["Config"]
        assert IPv4Network(config["Subnet"]).prefixlen == 28


# -- parts -------------------------------------------------------------------------------------------


def first_address(api: APIClient, network: str, number: int = 1) -> str:
    """The address of that number: where the host would be, had it one on that network."""
    (config,) = api.inspect_network(network)["IPAM"]["Config"]
    return str(IPv4Network(config["Subnet"])[number])


def listening_sockets() -> set[tuple[str, int]]:
    """Addresses (as the kernel writes them) and ports that this machine listens on."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), Path(table).open() as lines:
            for line in list(lines)[1:]:
                _, local, _, state, *_ = line.split()
                address, _, port = local.partition(":")
                if state == "0A":
                    found.add((address, int(port, 16)))
    return found


def egress_lines(stack: Stack, **wanted: Any) -> list[dict[str, Any]]:
    texts = (line["text"] for line in stack.logs("egress") if line["text"].startswith("{"))
    lines = [json.loads(text) for text in texts]
    return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]


@contextlib.contextmanager
def attached(api: APIClient, container: str, network: str, alias: str) -> Iterator[str]:
    """The container on that network too, under that name; gives its address there."""
    api.connect_container_to_network(container, network, aliases=[alias])
    try:
        yield api.inspect_container(container)["NetworkSettings"]["Networks"][network]["IPAddress"]
    finally:
        api.disconnect_container_from_network(container, network, force=True)
