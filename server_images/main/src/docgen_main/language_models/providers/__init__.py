"""The vendors, each in a module of its own that imports its SDK when it is first asked."""

import ssl

from docgen_main.language_models.configuration import ProviderConfiguration
from docgen_main.language_models.exchange import Provider
from docgen_main.language_models.providers.anthropic import AnthropicProvider
from docgen_main.language_models.providers.connection import Connection
from docgen_main.language_models.providers.google import GoogleProvider
from docgen_main.language_models.providers.openai import OpenAIProvider


def open_provider(
    configuration: ProviderConfiguration, proxy: str | None, trust: ssl.SSLContext | None = None
) -> Provider:
    """The provider that `configuration` describes, reached through `proxy` if there is one."""
    connection = Connection(proxy, silence_s=configuration.silence_s, trust=trust)
    match configuration.type:
        case "anthropic":
            return AnthropicProvider(configuration.base_url, connection)
        case "google":
            return GoogleProvider(configuration.base_url, connection)
        case "openai":
            return OpenAIProvider(configuration.base_url, connection, limit_name="max_completion_tokens")
        case "openai-compatible":
            return OpenAIProvider(configuration.base_url, connection, limit_name="max_tokens")


__all__ = ["open_provider"]
