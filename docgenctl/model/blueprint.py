"""Everything decided about a stack before it is drawn: settings, image facts, ports, subnets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from docgenctl.model.image_facts import ImageFacts, SecretFacts
from docgenctl.model.ports import PortSubstitution, SubnetMove
from docgenctl.model.project import Project
from docgenctl.model.server_sources import Package
from docgenctl.model.settings import Settings
from docgenctl.model.stack import Limits

#: Ports inside the containers; host ports are chosen, these never change.
SERVER_PORT = 8000
GATEWAY_PORT = 8080
GATEWAY_STATUS_PORT = 8404
GATEWAY_ADMIN_PORT = 8405
EGRESS_PORT = 3128
VALKEY_PORT = 6379
#: The secret with which orchestrators open the store of rates.
LIMITS_STORE = "limits-store"
_ORIGIN = "-origin"
#: Where the packages of a server of others lie in its image.
PACKAGES_TARGET = "/opt/docgen/packages"
#: Owner of every service that does not have to write as the workspace's owner.
SERVICE_UID = 10001

CONFIG_TARGET = "/etc/docgen/config"
SECRETS_TARGET = "/run/secrets"
WORKSPACE_TARGET = "/workspace"
DATA_TARGET = "/var/lib/docgen"
SCRATCH_TARGET = "/var/tmp/docgen"  # noqa: S108 - a volume of its own inside the container


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The container of an image of others, which serves MCP itself; its adapter is beside it."""

    reference: str
    port: int
    path: str
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """One enabled entry of `servers`, resolved against its image's facts.

    `gateway_port` and `gateway_health_port` are the gateway's container-side ports for it, None when it
    has none. `egress_hosts` are all hosts the egress proxy opens for it, sorted, `host` or `host:port`.
    `secrets` are those of its image and those that its settings ask for. `data`: it has a volume that
    outlives `down`.

    Of servers of others: `packages` are installed beside the adapter, `origin` is the container of an image,
    `public_host` is `host:port` of an address, opened for addresses out on the internet only, and `ca_file`
    names certificates in the workspace that are trusted for it.
    """

    name: str
    facts: ImageFacts
    limits: Limits
    options: Mapping[str, Any]
    egress_hosts: tuple[str, ...]
    secrets: tuple[SecretFacts, ...]
    gateway_port: int | None
    gateway_health_port: int | None
    data: bool = False
    packages: tuple[Package, ...] = ()
    origin: Origin | None = None
    public_host: str = ""
    ca_file: str | None = None

    @property
    def reachable_hosts(self) -> tuple[str, ...]:
        """All that the egress proxy opens for it."""
        return (*self.egress_hosts, self.public_host) if self.public_host else self.egress_hosts


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """The input of rendering and of the stack's assembly.

    `ports` maps purposes (`orchestrator`, a server's name, `<server>_health`) to host ports; `subnets`
    maps network keys to CIDR text; `owner` is the `uid:gid` that may write the output folder. `isolates`
    is false for an engine without containers: no image of others runs there, and nothing could force
    servers through an egress proxy, so there is none.
    `replicas` is how many orchestrators run, `shared_limits` whether they count in a store beside them.
    `substitutions` are purposes whose port is another than it would
    be on an idle machine, `subnet_moves` are networks that had to leave their subnet.
    """

    project: Project
    settings: Settings
    servers: tuple[Server, ...]
    ports: Mapping[str, int]
    subnets: Mapping[str, str]
    owner: str
    tool_version: str
    isolates: bool = True
    substitutions: tuple[PortSubstitution, ...] = ()
    subnet_moves: tuple[SubnetMove, ...] = ()
    replicas: int = 1
    shared_limits: bool = False

    def server(self, name: str) -> Server:
        """The server of that name. Raises KeyError."""
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)


def origin_name(server: str) -> str:
    """The service that is the container of a server's image, beside its adapter."""
    return f"{server}{_ORIGIN}"


def is_origin(service: str, services: Collection[str]) -> bool:
    """Whether a service is the container of an image of others, beside the adapter that speaks for it."""
    return service.endswith(_ORIGIN) and service.removesuffix(_ORIGIN) in services


def packages_of_process(server: str) -> str:
    """Where the packages of a server of others lie in the one image that all processes share."""
    return f"{PACKAGES_TARGET}/{server}"
