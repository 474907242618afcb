"""Which IPv4 networks the host already routes somewhere."""

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

_TABLE = Path("/proc/net/route")


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A network and the interface that leads there (`tun0`, `br-1a2b3c`)."""

    network: IPv4Network
    interface: str


def routes(table: Path = _TABLE) -> tuple[Route, ...]:
    """Every route of the kernel's main IPv4 table but the default ones; empty where there is no table.

    A stack's subnet must not overlap one of them, or it would hide a VPN or the office network.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ()
    found = set()
    for line in lines:
        interface, destination, _gateway, _flags, _ref, _use, _metric, mask, *_ = line.split()
        address = socket.inet_ntoa(struct.pack("=I", int(destination, 16)))
        prefix = bin(int(mask, 16)).count("1")
        if prefix:
            found.add(Route(IPv4Network(f"{address}/{prefix}", strict=False), interface))
    return tuple(sorted(found))
