"""docgen.yaml as types: the only place where pydantic meets what people write.

Everything has a default, so an absent file is a valid one. Unknown keys are errors.
"""

import re
from ipaddress import IPv4Network, ip_address
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from docgenctl.model.model_providers import ProviderType

#: Layout of docgen.yaml; older ones are read through docgenctl.configuration.migrations.
CURRENT_VERSION: Literal[2] = 2
NAME_PATTERN = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"


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
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class WorkspaceSettings(_Section):
    """What the `main` server sees of this repository."""

    output: RelativePath = Field(
        "docs/generated", description="Folder, relative to docgen.yaml, that main may write documents to."
    )
    writable: bool = Field(
        False, description="Let main write anywhere in the workspace, not only in the output folder."
    )


class PortSettings(_Section):
    """Where the gateway listens on the host; each server names its own ports under `servers`."""

    bind: Annotated[str, AfterValidator(_bind_address)] = Field(
        "127.0.0.1", description="Host address that all ports are published on."
    )
    orchestrator: Ports = Field(
        PortRange(first=8080, last=8180), description="The endpoint that clients use: a port or a range."
    )


class NetworkSettings(_Section):
    """Pools that the stack's small networks are carved from."""

    frontend_pool: Subnet = Field(
        IPv4Network("10.213.0.0/20"), description="Pool for networks with a way out."
    )
    backend_pool: Subnet = Field(IPv4Network("10.213.16.0/20"), description="Pool for the closed networks.")


class ImageSettings(_Section):
    """Base images, by reference; each is pinned to a digest at its first pull."""

    base: str = Field("python:3.13-slim-trixie", min_length=1, description="Base of all server images.")
    gateway: str = Field("haproxy:3.0", min_length=1, description="HAProxy image of the gateway.")
    egress: str = Field("debian:trixie-slim", min_length=1, description="Base of the egress proxy (squid).")
    python: Annotated[str, Field(pattern=r"^3\.\d{1,2}$")] = Field(
        "3.13", description="Python of the base image; wheels are fetched for it."
    )
    fallback: bool = Field(
        True, description="Build a base from Debian packages when the configured ones cannot be pulled."
    )


class LimitSettings(_Section):
    """What one container may use at most."""

    cpus: float = Field(1.0, gt=0, le=1024, description="CPUs.")
    memory: Bytes = Field(512 * 1024**2, ge=16 * 1024**2, description="Memory: 512m, 1g.")
    pids: int = Field(256, ge=16, le=100_000, description="Processes and threads.")


class ServerLimitSettings(_Section):
    """Limits of one server; what is not set is taken from `limits`."""

    cpus: float | None = Field(None, gt=0, le=1024, description="CPUs.")
    memory: Bytes | None = Field(None, ge=16 * 1024**2, description="Memory: 512m, 1g.")
    pids: int | None = Field(None, ge=16, le=100_000, description="Processes and threads.")


class GatewaySettings(_Section):
    """The reverse proxy in front: the only container with published ports."""

    hostnames: tuple[CertificateName, ...] = Field(
        ("localhost",), description="Names its certificate is valid for, besides 127.0.0.1 and ::1."
    )
    max_body: Bytes = Field(8 * 1024**2, ge=1024, description="Largest request body.")
    request_timeout: Annotated[Seconds, AfterValidator(_bounded_request_timeout)] = Field(
        600, description="Longest silence of a running call: 90s, 10m, 1h30m; 5s to 24h."
    )

    @property
    def request_timeout_s(self) -> int:
        """The same with its unit in the name, for those who render it."""
        return self.request_timeout


class EgressSettings(_Section):
    """Hosts that a server may reach through the egress proxy."""

    allow: tuple[HostName, ...] = Field((), description="Host names; empty means none.")


class ProofSettings(_Section):
    """What `up` and `prove` try to reach from inside, and must not."""

    outside: tuple[OutsideTarget, ...] = Field(
        (),
        description="Addresses beyond this machine, such as 192.0.2.10:443, to be tried.",
    )


class ServerSettings(_Section):
    """One MCP server behind the orchestrator."""

    enabled: bool = Field(True, description="Whether it is part of the stack.")
    image: Name | None = Field(
        None, description="Which of the built-in server images; by default the entry's name."
    )
    port: Ports | None = Field(None, description="Host port of its own endpoint: a port or a range.")
    health_port: Ports | None = Field(
        None, description="Host port that tells its readiness: a port or a range."
    )
    limits: ServerLimitSettings = Field(
        default_factory=ServerLimitSettings, description="What it may use at most."
    )
    egress: EgressSettings = Field(default_factory=EgressSettings, description="What it may reach outside.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options that the server's image declares."
    )


class PriceSettings(_Section):
    """What a model costs."""

    input_usd: float = Field(ge=0, allow_inf_nan=False, description="US dollars for a million tokens in.")
    output_usd: float = Field(ge=0, allow_inf_nan=False, description="US dollars for a million tokens out.")


class ProviderSettings(_Section):
    """One provider of language models."""

    type: ProviderType | None = Field(None, description="Which API it speaks; by default the entry's name.")
    base_url: Annotated[str, AfterValidator(_base_url)] | None = Field(
        None, description="Where it is reached; by default the vendor's own address."
    )
    key_secret: Annotated[str, AfterValidator(_key_secret)] | None = Field(
        None, description="Secret with its key: my-api-key is read from the variable MY_API_KEY."
    )
    timeout: Seconds = Field(180, ge=1, le=3600, description="Longest work on one section: 90s, 3m.")
    silence: Seconds = Field(60, ge=1, le=3600, description="Longest silence of an answer: 30s, 1m.")
    max_output_tokens: int = Field(8192, ge=256, le=1_000_000, description="Longest answer, in tokens.")
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict, description="Price of each of its models; `*` is for all others."
    )


class ModelBudgetSettings(_Section):
    """What language models may take; the embedded writer goes on where it ends."""

    per_document_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars for one document."
    )
    per_day_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars for one day (UTC)."
    )
    per_document_tokens: int | None = Field(None, ge=1, description="Tokens in and out for one document.")


class ModelSettings(_Section):
    """Language models that may word documents; without any, documents are made of facts alone."""

    providers: dict[Name, ProviderSettings] = Field(
        default_factory=dict, description="Providers: anthropic, openai, google, or a name and a type."
    )
    chains: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Models to try in turn, by kind of document or `default`."
    )
    budget: ModelBudgetSettings = Field(
        default_factory=ModelBudgetSettings, description="What they may take at most."
    )


class Settings(_Section):
    """All of docgen.yaml."""

    version: Literal[2] = Field(CURRENT_VERSION, description="Version of this file's layout.")
    project: Name | None = Field(
        None, description="Name of the stack; by default the directory's name and a short hash of its path."
    )
    environment: Literal["development", "production"] = Field(
        "development", description="What the stack is for."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Log level of all servers."
    )
    engine: Literal["auto", "docker", "process"] = Field(
        "auto",
        description="What runs the stack: `docker`, or `process` without isolation where there is none.",
    )
    workspace: WorkspaceSettings = Field(default_factory=WorkspaceSettings, description="What main sees.")
    ports: PortSettings = Field(default_factory=PortSettings, description="Where the gateway listens.")
    networks: NetworkSettings = Field(default_factory=NetworkSettings, description="Where subnets come from.")
    images: ImageSettings = Field(default_factory=ImageSettings, description="Base images.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="Limits of every container.")
    gateway: GatewaySettings = Field(
        default_factory=GatewaySettings, description="The reverse proxy in front."
    )
    models: ModelSettings = Field(
        default_factory=ModelSettings, description="Language models that may word documents."
    )
    proofs: ProofSettings = Field(default_factory=ProofSettings, description="What is tried from inside.")
    servers: dict[Name, ServerSettings] = Field(
        default_factory=lambda: {"main": ServerSettings(), "github": ServerSettings()},
        description="The MCP servers; `main` and `github` unless said otherwise.",
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> "Settings":
        reserved = sorted({"gateway", "egress", "orchestrator"} & set(self.servers))
        if reserved:
            raise ValueError(
                f"servers/{reserved[0]}: the name belongs to a part of the stack; choose another"
            )
        return self
