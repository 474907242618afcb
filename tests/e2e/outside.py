"""The world outside a stack: an open network with a server of ours in it, and a listener on the host itself.

What a closed network keeps away must be there to be reached, or a test of it proves nothing: the `control`
container stands on the open network and reaches all of it.
"""

import contextlib
import http.server
import json
import random
import socket
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from docker import APIClient
from docker.errors import APIError

PYTHON = "/opt/docgen/venv/bin/python"
HTTP_PORT, DNS_PORT = 8000, 5353
GREETING = "this is outside"
FAKE_ADDRESS = "192.0.2.77"

#: Serves HTTP for IPv4 and IPv6, and answers every DNS question with one address; prints both.
_SERVER = f"""
import http.server, socket, threading
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("HTTP", self.path, flush=True)
        self.send_response(200); self.end_headers(); self.wfile.write({GREETING.encode()!r})
    def log_message(self, *arguments): pass
class Both(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
def names():
    questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    questions.bind(("0.0.0.0", {DNS_PORT}))
    while True:
        data, sender = questions.recvfrom(2048)
        print("DNS", data, flush=True)
        head = data[:2] + bytes.fromhex("81800001000100000000")
        answer = bytes.fromhex("c00c000100010000003c0004") + socket.inet_aton("{FAKE_ADDRESS}")
        question = data[12:].split(b"\\x00\\x00\\x01", 1)[0] + bytes.fromhex("0000010001")
        questions.sendto(head + question + answer, sender)
threading.Thread(target=names, daemon=True).start()
print("READY", flush=True)
Both(("::", {HTTP_PORT}), Quiet).serve_forever()
"""

#: Tries every [host, port] given as JSON, all at once; prints what came of each.
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def attempt(target):
    host, port = target
    try:
        with socket.create_connection((host, port), timeout=1.5) as connection:
            connection.settimeout(1.5)
            connection.sendall(b"GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
            said = b""
            while part := connection.recv(4096):
                said += part
        return "connected: " + said.decode("latin-1")[-120:]
    except OSError as error:
        return "no: " + type(error).__name__ + " " + str(error)
def ask(target):
    name = b"\\x06canary\\x07example\\x00"
    question = bytes.fromhex("abcd01000001000000000000") + name + bytes.fromhex("00010001")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        try:
            udp.sendto(question, tuple(target))
            return "answered: " + udp.recv(512).hex()
        except OSError as error:
            return "no: " + type(error).__name__
def resolve(name):
    try:
        return "resolved: " + socket.getaddrinfo(name, 80)[0][4][0]
    except OSError as error:
        return "no: " + type(error).__name__
wanted = json.loads(sys.argv[1])
with ThreadPoolExecutor(64) as pool:
    print(json.dumps({
        "tcp": list(pool.map(attempt, wanted.get("tcp", []))),
        "udp": list(pool.map(ask, wanted.get("udp", []))),
        "names": list(pool.map(resolve, wanted.get("names", []))),
    }))
"""


@dataclass(frozen=True, slots=True)
class Outside:
    """The open network: a server and a control container on it, and the host's addresses there."""

    api: APIClient
    network: str
    server: str
    control: str
    server_address: str
    server_address_v6: str
    host_address: str
    host_address_v6: str

    def said(self) -> str:
        """What the server has printed: every request and question that reached it."""
        return str(self.api.logs(self.server).decode())


def attempts(
    api: APIClient,
    container: str,
    *,
    tcp: Sequence[tuple[str, int]] = (),
    udp: Sequence[tuple[str, int]] = (),
    names: Sequence[str] = (),
) -> dict[str, dict[Any, str]]:
    """What comes of trying these from inside a container that has our Python."""
    wanted = json.dumps({"tcp": tcp, "udp": udp, "names": names})
    made = api.exec_create(container, [PYTHON, "-I", "-c", TRY, wanted])
    output = api.exec_start(made["Id"]).decode()
    assert api.exec_inspect(made["Id"])["ExitCode"] == 0, output
    found = json.loads(output)
    return {
        "tcp": dict(zip(tcp, found["tcp"], strict=True)),
        "udp": dict(zip(udp, found["udp"], strict=True)),
        "names": dict(zip(names, found["names"], strict=True)),
    }


@contextlib.contextmanager
def outside_world(api: APIClient, image: str) -> Iterator[Outside]:
    """An open network with both containers, made of an image that has our Python; gone afterwards."""
    name = f"docgenctl-test-{uuid.uuid4().hex[:6]}-outside"
    made: list[str] = []
    network = _open_network(api, name)
    try:
        server = _run(api, image, f"{name}-server", network, [PYTHON, "-I", "-u", "-c", _SERVER], made)
        for line in api.logs(server, stream=True, follow=True):
            if b"READY" in line:
                break
        address = _address(api, server, name)
        idle = [PYTHON, "-I", "-c", "import signal; signal.pause()"]
        control = _run(api, image, f"{name}-control", network, idle, made, dns=[])
        gateways = [config["Gateway"] for config in api.inspect_network(network)["IPAM"]["Config"]]
        yield Outside(
            api=api,
            network=network,
            server=server,
            control=control,
            server_address=address["IPAddress"],
            server_address_v6=address["GlobalIPv6Address"],
            host_address=next(gateway for gateway in gateways if ":" not in gateway),
            host_address_v6=next(gateway.partition("/")[0] for gateway in gateways if ":" in gateway),
        )
    finally:
        for container in made:
            api.remove_container(container, force=True, v=True)
        api.remove_network(network)


def _open_network(api: APIClient, name: str) -> str:
    """A bridge with IPv4 and IPv6, somewhere that nobody else is."""
    for _ in range(20):
        subnet = IPv4Network((f"10.214.{random.randrange(256)}.{random.randrange(16) * 16}", 28))
        prefix = f"fd00:d0c6:{random.randrange(65536):x}::"
        configs = [
            {"Subnet": str(subnet), "Gateway": str(subnet[1])},
            {"Subnet": f"{prefix}/64", "Gateway": f"{prefix}1"},
        ]
        ipam = {"Driver": "default", "Config": configs}
        try:
            return str(api.create_network(name, driver="bridge", ipam=ipam, enable_ipv6=True)["Id"])
        except APIError as error:
            if "overlap" not in str(error):
                raise
    raise AssertionError("no free subnet for the outside network")


def _run(
    api: APIClient,
    image: str,
    name: str,
    network: str,
    command: list[str],
    made: list[str],
    dns: list[str] | None = None,
) -> str:
    host = api.create_host_config(network_mode=network, dns=dns, init=True, read_only=True)
    container = str(api.create_container(image, command, name=name, host_config=host, user="10001")["Id"])
    made.append(container)
    api.start(container)
    return container


def _address(api: APIClient, container: str, network: str) -> dict[str, Any]:
    found: dict[str, Any] = api.inspect_container(container)["NetworkSettings"]["Networks"][network]
    return found


@contextlib.contextmanager
def host_listener() -> Iterator[int]:
    """A process of the host that listens on every address it has, as development servers do."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"this is the host")

        def log_message(self, *arguments: object) -> None:
            return None

    class Both(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6

        def server_bind(self) -> None:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

    with Both(("::", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def host_addresses(api: APIClient) -> list[str]:
    """IPv4 addresses of this machine: its bridges' and the one it reaches others from."""
    found = set()
    for network in api.networks():
        if network["Driver"] == "bridge":
            configs = api.inspect_network(network["Id"])["IPAM"]["Config"] or ()
            found |= {config["Gateway"] for config in configs if "." in config.get("Gateway", "")}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("192.0.2.1", 9))
        found.add(udp.getsockname()[0])
    return sorted(found)
