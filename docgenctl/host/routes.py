"""Which IPv4 networks the host already routes somewhere."""

import socket
import struct
from ipaddress import IPv4Network
from pathlib import Path


def routed_networks(table: Path = Path("/proc/net/route")) -> tuple[IPv4Network, ...]:
    """Every network of the kernel's main IPv4 table but the default route; empty where there is no table.

    A stack's subnet must not overlap one of them, or it would hide a VPN or the office network.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ()
    networks = set()
    for line in lines:
        _interface, destination, _gateway, _flags, _ref, _use, _metric, mask, *_ = line.split()
        address = socket.inet_ntoa(struct.pack("=I", int(destination, 16)))
        prefix = bin(int(mask, 16)).count("1")
        if prefix:
            networks.add(IPv4Network(f"{address}/{prefix}", strict=False))
    return tuple(sorted(networks))
