"""What a server image says of itself in `image.toml`, beside its source."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from docgenctl.model.setting_values import Name, PortRange, Ports


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionFacts(_Facts):
    """One option that users may set under `servers/<name>/options`; it reaches the server in server.json."""

    type: Literal["string", "integer", "boolean", "strings"]
    description: str
    default: Any = None
    pattern: str | None = None


class EgressFacts(_Facts):
    """Opens the egress proxy to the host of the URL in option `host_of` once option `when` is not empty."""

    host_of: str
    when: str


class CanaryFacts(_Facts):
    """A harmless real tool call that proves the server works."""

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class SecretFacts(_Facts):
    """A secret the server can use: file name under /run/secrets/current, and the variable it is read from."""

    name: Name
    environment: str
    description: str
    required: bool = False


class ImageFacts(_Facts):
    """All of image.toml."""

    name: Name
    title: str
    description: str
    module: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    #: docgen_common sources are copied beside the server's own
    port: Ports | None = None
    health_port: Ports | None = None
    #: mount the workspace (read-only but for the output folder)
    workspace: bool = False
    #: give it a volume for data that outlives `down`
    data: bool = False
    #: tool name prefixes and resource schemes that belong to it
    tool_prefixes: tuple[str, ...] = ()
    resource_schemes: tuple[str, ...] = ()
    #: it tells what happens in it at /events
    events: bool = False
    #: told of the language models that are configured, given their keys, let through to their hosts
    models: bool = False
    options: dict[str, OptionFacts] = Field(default_factory=dict)
    secrets: tuple[SecretFacts, ...] = ()
    egress: EgressFacts | None = None
    canary: CanaryFacts | None = None


__all__ = ["CanaryFacts", "EgressFacts", "ImageFacts", "OptionFacts", "PortRange", "SecretFacts"]
