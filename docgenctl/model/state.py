"""What a project remembers between commands; kept outside the workspace."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class SubstitutedPort(BaseModel):
    """Why a purpose has another port than the first it would have had; `at` is RFC 3339 in UTC."""

    port: int
    instead_of: int
    holder: str = ""
    at: str = ""


class Scaled(BaseModel):
    """What `docgenctl scale` was told, which holds as long as the settings say what they said then."""

    replicas: int
    configured: int


class State(BaseModel):
    """All of state.json; unknown keys of newer versions are kept."""

    model_config = ConfigDict(extra="allow")

    version: int = 1
    project: str = ""
    directory: str = ""
    #: the address on which the ports are published; empty where an older version wrote this
    bind: str = ""
    #: purpose → host port
    ports: dict[str, int] = Field(default_factory=dict)
    #: purpose → why it has the port it has, where that is not the first choice
    substituted_ports: dict[str, SubstitutedPort] = Field(default_factory=dict)
    #: network key → subnet
    subnets: dict[str, str] = Field(default_factory=dict)
    #: configured image reference → what it was pinned to at its first pull or build
    pinned_images: dict[str, str] = Field(default_factory=dict)
    #: salt (hex) of the digests that label containers with the state of their secrets
    digest_salt: str = ""
    #: how many orchestrators run and how many were configured when `scale` was told so
    scaled: Scaled | None = None
    #: container id → the content of its volumes that it has reloaded since it was made
    taken_over: dict[str, str] = Field(default_factory=dict)
    #: the stack that was last healthy, for `deploy` to go back to
    last_good: dict[str, Any] | None = None
