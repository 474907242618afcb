"""Parts of a rendered stack on the real engine: the part under test as it is, stand-ins for the others."""

import json
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPResponse, HTTPSConnection
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.project import Project
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Service, Stack, VolumeContent
from docgenctl.planning.assemble_stack import ImageChoice, assemble_stack, network_keys, service_names
from docgenctl.rendering.configuration_files import render_service_files
from tests.unit.rendering.blueprints import TEMPLATES, make_blueprint


@dataclass(kw_only=True)
class SmallStack:
    """A stack of which only some services run; all of it carries the project's labels, to be swept by."""

    engine: DockerEngine
    blueprint: Blueprint
    stack: Stack
    started: dict[str, str] = field(default_factory=dict)

    def fill(self, volume: str, files: Mapping[str, bytes | Secret], image: ImageChoice) -> None:
        """Make a volume of the stack and put files into it."""
        wanted = self.stack.volume(volume)
        self.engine.create_volume(wanted, self.stack)
        self.engine.fill_volume(
            VolumeContent(volume=volume, version="1", files=files), wanted, image.reference
        )

    def start(self, *services: Service) -> dict[str, str]:
        """Make the networks of these services, then start them in order; service name → container id."""
        stack = replace(self.stack, services=services)
        present = {network.name for network in self.engine.observe(stack.project).networks}
        for network in stack.networks:
            used = any(network.key == place.network for service in services for place in service.networks)
            if used and network.name not in present:
                self.engine.create_network(network, stack)
        started = {}
        for service in services:
            started[service.name] = self.engine.create_container(service, stack)
            self.engine.start_container(started[service.name])
        self.started |= started
        return started

    def log(self, service: str) -> list[str]:
        """All that the service printed so far."""
        container = self.engine.observe(self.stack.project).container(service)
        assert container is not None, f"{service} is not there"
        return [line.text for line in self.engine.logs(container, tail=None, follow=False)]

    def records(self, service: str) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        return [json.loads(line) for line in self.log(service) if line.startswith("{")]


def make_small_stack(
    engine: DockerEngine,
    project: str,
    directory: Path,
    settings: dict[str, Any],
    images: Mapping[str, ImageChoice],
    other: ImageChoice,
) -> SmallStack:
    """A stack in subnets and on ports of its own; services not in `images` get the image `other`."""
    blueprint = make_blueprint(settings | {"project": None})
    names = tuple(server.name for server in blueprint.servers)
    keys = network_keys(names, shared_limits=blueprint.shared_limits)
    pool = IPv4Network(f"10.{random.randint(128, 254)}.{random.randint(0, 255)}.0/24").subnets(new_prefix=28)
    blueprint = replace(
        blueprint,
        project=Project(name=project, id=project[-16:], directory=directory),
        ports={purpose: free_port() for purpose in blueprint.ports},
        subnets={key: str(subnet) for key, subnet in zip(keys, pool, strict=False)},
    )
    chosen = {name: images.get(name, other) for name in service_names(blueprint)}
    return SmallStack(engine=engine, blueprint=blueprint, stack=assemble_stack(blueprint, chosen, {}))


def health_check(blueprint: Blueprint) -> bytes:
    """The script that the proxies' containers are checked with."""
    return render_service_files(blueprint, TEMPLATES)["gateway"]["healthcheck.bash"].encode()


def stand_in(service: Service, *command: str) -> Service:
    """The service with another command and without what it mounts."""
    return replace(service, command=command, binds=(), volumes=())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = 15) -> None:
    """Returns once `true()` is; fails when it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass(kw_only=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """Asks a TLS port on 127.0.0.1 exactly what it is told to."""

    def __init__(self, port: int, root: bytes) -> None:
        self.port = port
        self.context = ssl.create_default_context(cadata=root.decode())

    def open(self) -> HTTPSConnection:
        """A connection of one's own; the caller closes it."""
        return HTTPSConnection("localhost", self.port, context=self.context, timeout=20)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
        body: bytes | None = None,
    ) -> Answer:
        """One request on a new connection; `Host` is added unless it is among the headers."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        connection = self.open()
        try:
            given = {name.lower() for name, _ in pairs}
            connection.putrequest(method, path, skip_host="host" in given, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None and not given & {"content-length", "transfer-encoding"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if body is not None:
                connection.send(body)
            return read(connection.getresponse())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes, until the other side closes."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 20) as plain,
            self.context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(request)
            received = b""
            while part := tls.recv(65536):
                received += part
            return received


def read(response: HTTPResponse) -> Answer:
    """The response, read to its end."""
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=response.read(),
    )
