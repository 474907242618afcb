"""The vendors, each in a module of its own that imports its SDK when it is first asked."""

import os
import ssl

from docgen_main.language_models.configuration import ProviderConfiguration
from docgen_main.language_models.exchange import Provider
from docgen_main.language_models.providers.anthropic import AnthropicProvider
from docgen_main.language_models.providers.connection import Connection
from docgen_main.language_models.providers.google import GoogleProvider
from docgen_main.language_models.providers.openai import OpenAIProvider

_VENDORS = ("ANTHROPIC_", "OPENAI_", "GOOGLE_", "GEMINI_", "AZURE_")


def open_provider(
    configuration: ProviderConfiguration, proxy: str | None, trust: ssl.SSLContext | None = None
) -> Provider:
    """The provider that `configuration` describes, reached through `proxy` if there is one.

    Takes the vendors' variables out of this process's environment: SDKs read addresses, headers and ways to
    log in from dozens of them, and what is configured here is all that counts.
    """
    for name in [name for name in os.environ if name.startswith(_VENDORS)]:
        del os.environ[name]
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
