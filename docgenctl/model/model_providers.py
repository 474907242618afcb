"""The kinds of language model providers: where each is reached, and which secret holds its key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProviderType = Literal["anthropic", "openai", "openai-compatible", "google"]


@dataclass(frozen=True, slots=True)
class ProviderDefaults:
    """What holds for a provider of this type unless docgen.yaml says otherwise; empty where it must."""

    base_url: str
    key_secret: str


PROVIDER_DEFAULTS: Mapping[str, ProviderDefaults] = {
    "anthropic": ProviderDefaults("https://api.anthropic.com", "anthropic-api-key"),
    "openai": ProviderDefaults("https://api.openai.com/v1", "openai-api-key"),
    "google": ProviderDefaults("https://generativelanguage.googleapis.com/v1beta", "gemini-api-key"),
    "openai-compatible": ProviderDefaults("", ""),
}


def key_secret_of(name: str, kind: str | None, chosen: str | None) -> str:
    """The secret with the key of the provider `name`: the one chosen, the vendor's usual one, or its own."""
    return chosen or PROVIDER_DEFAULTS[kind or name].key_secret or f"{name}-api-key"


def needs_key(name: str, kind: str | None, chosen: str | None) -> bool:
    """Whether it is useless without a key: a model of one's own often asks for none."""
    return (kind or name) != "openai-compatible" or chosen is not None


def variable_of(secret: str) -> str:
    """The environment variable that a provider's key is read from: `my-api-key` is MY_API_KEY."""
    return secret.upper().replace("-", "_")
