"""Values that people write in docgen.yaml: ports, sizes, durations, names and addresses, each checked.

Every refusal is a ValueError whose text is what is wrong, then, after a semicolon, what to write instead.
"""

import re
from ipaddress import IPv4Network, ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"


class Section(BaseModel):
    """A part of docgen.yaml: unknown keys are errors, defaults are checked like what people write."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class PortRange(BaseModel):
    """An inclusive range of host ports; a fixed port is a range of one."""

    model_config = ConfigDict(frozen=True)
    first: int
    last: int

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return self.first == self.last

    def __str__(self) -> str:
        return str(self.first) if self.fixed else f"{self.first}-{self.last}"


def parse_port_range(value: Any) -> Any:
    """`3200`, `"3200"` or `"3200-3300"` as a PortRange. Raises ValueError with what to write instead."""
    if isinstance(value, PortRange):
        return value
    match = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", str(value), re.ASCII)
    if isinstance(value, bool) or match is None:
        raise ValueError(f'{value!r} is not a port or range; write 3200 or "3200-3300"')
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise ValueError(f'{value!r} runs backwards; write "{last}-{first}"')
    if first < 1 or last > 65535:
        raise ValueError(f"{value!r} leaves the ports there are; write a number from 1 to 65535")
    return PortRange(first=first, last=last)


_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def parse_size(value: Any) -> Any:
    """`512m`, `1g`, `64k` or a number of bytes, as bytes. Raises ValueError with what to write instead."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([kmg]?)(?:i?b)?\s*", str(value).lower(), re.ASCII)
    if isinstance(value, bool) or match is None:
        raise ValueError(f"{value!r} is not a size; write 512m or 1g")
    return int(float(match[1]) * _SIZE_UNITS[match[2]])


def format_size(value: int) -> str:
    """Bytes as people write them: `512m`, `1g`, or the bare number where no unit fits."""
    for unit in ("g", "m", "k"):
        if value and value % _SIZE_UNITS[unit] == 0:
            return f"{value // _SIZE_UNITS[unit]}{unit}"
    return str(value)


_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?", re.ASCII)


def parse_duration(value: Any) -> Any:
    """`90s`, `10m`, `1h30m` or a number of seconds, as seconds. Raises ValueError with what to write."""
    text = str(value).strip().lower()
    if not isinstance(value, bool) and re.fullmatch(r"\d{1,8}", text, re.ASCII):
        return int(text)
    match = _DURATION.fullmatch(text)
    if isinstance(value, bool) or match is None or not text:
        raise ValueError(f"{value!r} is not a duration; write 90s, 10m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def format_duration(seconds: int) -> str:
    """Seconds as people write them: `10m`, `1h30m`, `90s` where minutes do not fit."""
    if seconds < 60 or seconds % 60:
        return f"{seconds}s"
    hours, minutes = divmod(seconds // 60, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")


def _bounded_request_timeout(seconds: int) -> int:
    for wrong, bound in ((seconds < 5, "at least 5s"), (seconds > 86_400, "at most 24h")):
        if wrong:
            raise ValueError(f"{format_duration(seconds)} is out of bounds; write {bound}")
    return seconds


def _network(value: Any) -> Any:
    try:
        network = IPv4Network(str(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 network; write 10.213.0.0/20 ({error})") from None
    if network.prefixlen > 28:
        raise ValueError(f"{value} is too small to carve a /28 from; write a /24 or larger")
    return network


def _host_name(value: str) -> str:
    if not re.fullmatch(
        r"(?:\*\.|\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?", value, re.IGNORECASE
    ):
        raise ValueError(f"{value!r} is not a host name; write api.example.com or api.example.com:443")
    return value.lower()


def _outside_target(value: str) -> str:
    match = re.fullmatch(r"(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?):(\d{1,5})", value, re.I)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise ValueError(f"{value!r} is not an address with a port; write 192.0.2.10:443")
    return value.lower()


def _certificate_name(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        pass
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", value, re.IGNORECASE):
        raise ValueError(f"{value!r} is not a host name; write docs.example.com")
    return value.lower()


def _bind_address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address; write 127.0.0.1") from None


def _relative_path(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if value.startswith("/") or ".." in parts or not value.strip() or "\0" in value:
        raise ValueError(f"{value!r} leaves the workspace; write a relative path without '..'")
    return "/".join(part for part in parts if part not in ("", ".")) or "."


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?", value, re.ASCII):
        raise ValueError(f"{value!r} is not the address of an API; write https://api.example.com/v1")
    return value


def _key_secret(value: str) -> str:
    # Whoever writes docgen.yaml chooses where a provider's key goes: not to every variable that is set.
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}-api-key", value, re.ASCII):
        raise ValueError(f"{value!r} is not the name of a provider's key; write my-provider-api-key")
    return value


def _edge_rate(value: str) -> str:
    match = re.fullmatch(r"([0-9]{1,7})/[smh]", value, re.ASCII)
    if match is None or not int(match[1]):
        raise ValueError(f"{value!r} is not a rate of requests; write 50/s, 600/m or 10000/h")
    return value


def rate_window(value: str) -> tuple[int, int]:
    """`600/m` as how many requests in how many seconds."""
    count, _, unit = value.partition("/")
    return int(count), {"s": 1, "m": 60, "h": 3600}[unit]


Ports = Annotated[
    PortRange,
    BeforeValidator(
        parse_port_range, json_schema_input_type=int | Annotated[str, Field(pattern=r"^\d+(-\d+)?$")]
    ),
    PlainSerializer(str, return_type=str),
]
Bytes = Annotated[
    int,
    BeforeValidator(
        parse_size, json_schema_input_type=int | Annotated[str, Field(pattern=r"^[0-9.]+[kKmMgG]?$")]
    ),
]
Seconds = Annotated[
    int,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=int | Annotated[str, Field(pattern=r"^(\d+[hH])?(\d+[mM])?(\d+[sS]?)?$")],
    ),
]
Subnet = Annotated[IPv4Network, BeforeValidator(_network, json_schema_input_type=str)]
HostName = Annotated[str, AfterValidator(_host_name)]
CertificateName = Annotated[str, AfterValidator(_certificate_name)]
OutsideTarget = Annotated[str, AfterValidator(_outside_target)]
RelativePath = Annotated[str, AfterValidator(_relative_path)]
BindAddress = Annotated[str, AfterValidator(_bind_address)]
RequestTimeout = Annotated[Seconds, AfterValidator(_bounded_request_timeout)]
ApiUrl = Annotated[str, AfterValidator(_base_url)]
EdgeRate = Annotated[str, AfterValidator(_edge_rate)]
KeySecret = Annotated[str, AfterValidator(_key_secret)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
