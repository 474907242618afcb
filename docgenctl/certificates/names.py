"""What a certificate is valid for: DNS names and addresses, checked and told apart."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from docgenctl.model.errors import ConfigurationError

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# One whole label as a wildcard, leftmost, and never for a top-level domain (RFC 6125, 6.4.3).
_DNS_NAME = re.compile(rf"(?:\*\.{_LABEL}\.)?{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST_DNS_NAME = 253


@dataclass(frozen=True, slots=True)
class SubjectNames:
    """DNS names (lower case, punycode) and addresses, each sorted and without doubles."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]


def subject_names(hostnames: Iterable[str]) -> SubjectNames:
    """Sort host names and addresses (`[::1]` may have brackets) into what a certificate holds.

    Raises ConfigurationError for anything a certificate cannot vouch for, such as `0.0.0.0`.
    """
    dns: set[str] = set()
    addresses: set[Address] = set()
    for hostname in hostnames:
        address = _address(hostname)
        if address is None:
            dns.add(_dns_name(hostname))
        elif address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
            raise ConfigurationError(
                f"{hostname!r} is not an address that a client can name",
                hint="Write the address that clients connect to, such as 127.0.0.1.",
            )
        else:
            addresses.add(address)
    return SubjectNames(
        tuple(sorted(dns)), tuple(sorted(addresses, key=lambda address: (address.version, int(address))))
    )


def _address(hostname: str) -> Address | None:
    try:
        return ip_address(hostname.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _dns_name(hostname: str) -> str:
    name = hostname.rstrip(".").lower()
    try:
        # Python's codec knows IDNA 2003; write punycode for names where 2008 differs.
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        name = ""
    labels = name.rsplit(".", 1)
    if _DNS_NAME.fullmatch(name) is None or len(name) > _LONGEST_DNS_NAME or labels[-1].isdigit():
        raise ConfigurationError(
            f"{hostname!r} is not a host name for a certificate",
            hint="Write a name such as mcp.example.com or *.example.com, or an IP address.",
        )
    return name
