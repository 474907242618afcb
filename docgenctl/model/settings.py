"""docgen.yaml as types: the only place where pydantic meets what people write.

Everything has a default, so an absent file is a valid one. Unknown keys are errors.
"""

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from docgenctl.model.model_providers import ProviderType
from docgenctl.model.server_sources import SourceSettings
from docgenctl.model.setting_values import (
    ApiUrl,
    BindAddress,
    Bytes,
    CertificateName,
    EdgeRate,
    HostName,
    KeySecret,
    Name,
    OutsideTarget,
    PortRange,
    Ports,
    RelativePath,
    RequestTimeout,
    Seconds,
    Section,
    Subnet,
)
from docgenctl.model.tool_settings import EndpointSettings, PartSettings, ToolSettings

#: Layout of docgen.yaml; older ones are read through docgenctl.configuration.migrations.
CURRENT_VERSION: Literal[2] = 2


class WorkspaceSettings(Section):
    """What the `main` server sees of this repository."""

    output: RelativePath = Field(
        "docs/generated", description="Folder, relative to docgen.yaml, that main may write documents to."
    )
    writable: bool = Field(
        False, description="Let main write anywhere in the workspace, not only in the output folder."
    )


class PortSettings(Section):
    """Where the gateway listens on the host; each server names its own ports under `servers`."""

    bind: BindAddress = Field("127.0.0.1", description="Host address that all ports are published on.")
    orchestrator: Ports = Field(
        PortRange(first=8080, last=8180), description="The endpoint that clients use: a port or a range."
    )


class NetworkSettings(Section):
    """Pools that the stack's small networks are carved from."""

    frontend_pool: Subnet = Field(
        IPv4Network("10.213.0.0/20"), description="Pool for networks with a way out."
    )
    backend_pool: Subnet = Field(IPv4Network("10.213.16.0/20"), description="Pool for the closed networks.")


class ImageSettings(Section):
    """Base images, by reference; each is pinned to a digest at its first pull."""

    base: str = Field("python:3.13-slim-trixie", min_length=1, description="Base of all server images.")
    gateway: str = Field("haproxy:3.0", min_length=1, description="HAProxy image of the gateway.")
    egress: str = Field("debian:trixie-slim", min_length=1, description="Base of the egress proxy (squid).")
    valkey: str = Field(
        "debian:trixie-slim", min_length=1, description="Base of the store of rates, where there is one."
    )
    python: Annotated[str, Field(pattern=r"^3\.\d{1,2}$")] = Field(
        "3.13", description="Python of the base image; wheels are fetched for it."
    )
    fallback: bool = Field(
        True, description="Build a base from Debian packages when the configured ones cannot be pulled."
    )


class LimitSettings(Section):
    """What one container may use at most."""

    cpus: float = Field(1.0, gt=0, le=1024, description="CPUs.")
    memory: Bytes = Field(512 * 1024**2, ge=16 * 1024**2, description="Memory: 512m, 1g.")
    pids: int = Field(256, ge=16, le=100_000, description="Processes and threads.")


class ServerLimitSettings(Section):
    """Limits of one server; what is not set is taken from `limits`."""

    cpus: float | None = Field(None, gt=0, le=1024, description="CPUs.")
    memory: Bytes | None = Field(None, ge=16 * 1024**2, description="Memory: 512m, 1g.")
    pids: int | None = Field(None, ge=16, le=100_000, description="Processes and threads.")


class GatewaySettings(Section):
    """The reverse proxy in front: the only container with published ports."""

    hostnames: tuple[CertificateName, ...] = Field(
        ("localhost",), description="Names its certificate is valid for, besides 127.0.0.1 and ::1."
    )
    max_body: Bytes = Field(8 * 1024**2, ge=1024, description="Largest request body.")
    request_timeout: RequestTimeout = Field(
        600, description="Longest silence of a running call: 90s, 10m, 1h30m; 5s to 24h."
    )

    rate: EdgeRate | None = Field(
        None, description="Most requests of one address, whatever its key: 50/s, 600/m; by default no limit."
    )

    @property
    def request_timeout_s(self) -> int:
        """The same with its unit in the name, for those who render it."""
        return self.request_timeout


#: As many places as the gateway keeps for orchestrators.
MOST_REPLICAS = 8


class OrchestratorSettings(Section):
    """How the one endpoint in front of all servers behaves."""

    legacy_sessions: bool = Field(
        False,
        description="Whether clients of MCP 2025-11-25 and before get sessions: pushed changes, questions.",
    )
    replicas: int = Field(
        1, ge=1, le=MOST_REPLICAS, description="How many of it run; `docgenctl scale` changes it for a while."
    )
    shared_limits: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether rates are counted in a store of their own; `auto`: while several of it run.",
    )

    @model_validator(mode="after")
    def _sessions_live_in_one(self) -> "OrchestratorSettings":
        if self.legacy_sessions and self.replicas > 1:
            raise ValueError(
                "a session lives in one orchestrator; write replicas: 1 or legacy_sessions: false"
            )
        return self


class EgressSettings(Section):
    """Hosts that a server may reach through the egress proxy."""

    allow: tuple[HostName, ...] = Field((), description="Host names; empty means none.")


class ProofSettings(Section):
    """What `up` and `prove` try to reach from inside, and must not."""

    outside: tuple[OutsideTarget, ...] = Field(
        (),
        description="Addresses beyond this machine, such as 192.0.2.10:443, to be tried.",
    )


class ServerSettings(SourceSettings):
    """One MCP server behind the orchestrator."""

    port: Ports | None = Field(None, description="Host port of its own endpoint: a port or a range.")
    health_port: Ports | None = Field(
        None, description="Host port that tells its readiness: a port or a range."
    )
    limits: ServerLimitSettings = Field(
        default_factory=ServerLimitSettings, description="What it may use at most."
    )
    egress: EgressSettings = Field(default_factory=EgressSettings, description="What it may reach outside.")
    tools: ToolSettings = Field(
        default_factory=ToolSettings, description="Which of its tools clients see, and within which bounds."
    )
    resources: PartSettings = Field(
        default_factory=PartSettings, description="Which of its resources clients see, by URI or template."
    )
    prompts: PartSettings = Field(
        default_factory=PartSettings, description="Which of its prompts clients see, by name."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options that the server's image declares."
    )


class PriceSettings(Section):
    """What a model costs."""

    input_usd: float = Field(ge=0, allow_inf_nan=False, description="US dollars for a million tokens in.")
    output_usd: float = Field(ge=0, allow_inf_nan=False, description="US dollars for a million tokens out.")


class ProviderSettings(Section):
    """One provider of language models."""

    type: ProviderType | None = Field(None, description="Which API it speaks; by default the entry's name.")
    base_url: ApiUrl | None = Field(
        None, description="Where it is reached; by default the vendor's own address."
    )
    key_secret: KeySecret | None = Field(
        None, description="Secret with its key: my-api-key is read from the variable MY_API_KEY."
    )
    timeout: Seconds = Field(180, ge=1, le=3600, description="Longest work on one section: 90s, 3m.")
    silence: Seconds = Field(60, ge=1, le=3600, description="Longest silence of an answer: 30s, 1m.")
    max_output_tokens: int = Field(8192, ge=256, le=1_000_000, description="Longest answer, in tokens.")
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict, description="Price of each of its models; `*` is for all others."
    )


class ModelBudgetSettings(Section):
    """What language models may take; the embedded writer goes on where it ends."""

    per_document_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars for one document."
    )
    per_day_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars for one day (UTC)."
    )
    per_document_tokens: int | None = Field(None, ge=1, description="Tokens in and out for one document.")


class ModelSettings(Section):
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


class Settings(Section):
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
    orchestrator: OrchestratorSettings = Field(
        default_factory=OrchestratorSettings, description="The endpoint in front of all servers."
    )
    models: ModelSettings = Field(
        default_factory=ModelSettings, description="Language models that may word documents."
    )
    proofs: ProofSettings = Field(default_factory=ProofSettings, description="What is tried from inside.")
    servers: dict[Name, ServerSettings] = Field(
        default_factory=lambda: {"main": ServerSettings(), "github": ServerSettings()},
        description="The MCP servers; `main` and `github` unless said otherwise.",
    )
    endpoints: dict[Name, EndpointSettings] = Field(
        default_factory=dict, description="Named endpoints, `/mcp/NAME`, that show a part of what there is."
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> "Settings":
        reserved = sorted({"gateway", "egress", "orchestrator", "adapter", "valkey"} & set(self.servers))
        if reserved:
            raise ValueError(
                f"servers/{reserved[0]}: the name belongs to a part of the stack; choose another"
            )
        return self
