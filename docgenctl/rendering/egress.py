"""What squid.conf is told: which server may reach which host, and which addresses nobody may.

A name on an allowlist is only as trustworthy as whoever answers for it in the DNS, so where it leads is
checked too:

- Never open, whatever is configured: loopback, link-local (where clouds keep their metadata), multicast and
  the closed networks of this stack.
- Private ranges (RFC 1918, RFC 6598, RFC 4193 and the like): open only to an entry that shows that a host
  in there is meant, by being an address itself or by naming its port (`git.corp.example:443`).
- All other addresses: open to every entry.

The address of a `url` server is an entry of its own, without that meaning even where it names a port.

An entry without a port stands for TLS on 443 through a tunnel (CONNECT) and nothing else. An entry with a
port also passes plain HTTP to it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

from docgenctl.model.blueprint import CONFIG_TARGET, EGRESS_PORT, Blueprint, Server
from docgenctl.model.errors import ConfigurationError
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.quoting import quote_regex
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "egress/squid.conf.j2"
CONTROL_TEMPLATE = "egress/control.bash.j2"

#: Not for anybody: this network, loopback, link-local with the metadata services, multicast, reserved.
NEVER = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fd00:ec2::254/128",
    "ff00::/8",
)

#: Only for entries that show they are meant; includes ranges that translate to IPv4.
PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "fc00::/7",
)

#: The one network of the stack that is not closed; on it are the host and whatever a user puts there.
_OPEN_NETWORK = "mcp-egress"


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry of an allowlist. `pattern` (a regular expression) is used where `name` is empty."""

    entry: str
    name: str
    pattern: str
    port: int
    explicit: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class AllowedServer:
    """One server as the proxy knows it: where its requests come from and what they may reach."""

    name: str
    subnet: str
    hosts: tuple[AllowedHost, ...]


def render_egress(blueprint: Blueprint, templates: Path) -> str:
    """squid.conf.

    Raises ConfigurationError for an entry that squid cannot express, else as `render_template` does.
    """
    subnets = blueprint.subnets
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "port": EGRESS_PORT,
        "servers": [_server(server, subnets[f"mcp-{server.name}"]) for server in blueprint.servers],
        "never": _with(NEVER, (subnets[key] for key in subnets if key != _OPEN_NETWORK)),
        "private": _with(PRIVATE, (subnets[key] for key in subnets if key == _OPEN_NETWORK)),
        "request_timeout_s": blueprint.settings.gateway.request_timeout_s,
    }
    draft = render_template(templates, TEMPLATE, variables | {"version": "0"})
    version = hashlib.sha256(draft.encode()).hexdigest()[:16]
    return render_template(templates, TEMPLATE, variables | {"version": version})


def render_egress_control(blueprint: Blueprint, templates: Path) -> str:
    """control.bash of the egress proxy: check and reload."""
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "port": EGRESS_PORT,
        "config": f"{CONFIG_TARGET}/current",
    }
    return render_template(templates, CONTROL_TEMPLATE, variables)


def _with(ranges: tuple[str, ...], subnets: Iterable[str]) -> list[str]:
    """The ranges and those subnets that lie in none of them (squid complains of overlaps)."""
    wide = [IPv4Network(text) for text in ranges if ":" not in text]
    outside = [text for text in subnets if not any(IPv4Network(text).subnet_of(known) for known in wide)]
    return [*ranges, *sorted(outside)]


def _server(server: Server, subnet: str) -> AllowedServer:
    hosts = [allowed_host(entry) for entry in server.egress_hosts]
    if server.public_host:
        hosts.append(public_host(server.public_host))
    return AllowedServer(server.name, subnet, tuple(hosts))


def public_host(entry: str) -> AllowedHost:
    """The `host:port` of a server's address: through a tunnel only, and only out on the internet.

    Whoever means a host of a private network names it in the allowlist besides, with its port.
    """
    return replace(allowed_host(entry), explicit=False, plain=False)


def allowed_host(entry: str) -> AllowedHost:
    """An entry `host`, `host:port`, `.domain` (and all below), `*.domain` (only below) or an IPv4 address.

    Raises ConfigurationError for a port that does not exist.
    """
    host, _, port_text = entry.partition(":")
    port = int(port_text or 443)
    if not 1 <= port <= 65535:
        raise ConfigurationError(
            f"{entry!r} names a port that does not exist", hint="write api.example.com:443"
        )
    pattern = r"^([a-z0-9_-]+\.)+" + quote_regex(host[2:]) + "$" if host.startswith("*.") else ""
    return AllowedHost(
        entry=entry,
        name="" if pattern else host,
        pattern=pattern,
        port=port,
        explicit=bool(port_text) or _is_address(host),
        plain=bool(port_text),
    )


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
