"""From `models:` to what a server with language models is told, may reach, and is given."""

from collections.abc import Mapping
from typing import Any

from docgenctl.model.image_facts import SecretFacts
from docgenctl.model.model_providers import PROVIDER_DEFAULTS, key_secret_of, needs_key, variable_of
from docgenctl.model.settings import ModelSettings, ProviderSettings


def model_options(models: ModelSettings) -> Mapping[str, Any]:
    """The option `models` of server.json; nothing where no provider is configured."""
    if not models.providers:
        return {}
    providers = {name: _provider(name, entry) for name, entry in sorted(models.providers.items())}
    chains = {name: list(chain) for name, chain in sorted(models.chains.items())}
    budget = {key: value for key, value in models.budget.model_dump().items() if value is not None}
    return {"models": {"providers": providers, "chains": chains, "budget": budget}}


def model_urls(models: ModelSettings) -> tuple[str, ...]:
    """Addresses of all configured providers."""
    return tuple(_base_url(name, entry) for name, entry in sorted(models.providers.items()))


def model_secrets(models: ModelSettings) -> tuple[SecretFacts, ...]:
    """The keys of all configured providers, each once."""
    wanted: dict[str, list[str]] = {}
    for name, entry in sorted(models.providers.items()):
        wanted.setdefault(_key_secret(name, entry), []).append(name)
    return tuple(
        SecretFacts(
            name=secret,
            environment=variable_of(secret),
            description=f"Key for the language models of {' and '.join(names)}.",
        )
        for secret, names in wanted.items()
    )


def _provider(name: str, entry: ProviderSettings) -> dict[str, Any]:
    return {
        "type": entry.type or name,
        "base_url": _base_url(name, entry),
        "key_secret": _key_secret(name, entry),
        "key_required": needs_key(name, entry.type, entry.key_secret),
        "timeout_s": entry.timeout,
        "silence_s": entry.silence,
        "max_output_tokens": entry.max_output_tokens,
        "prices": {model: price.model_dump() for model, price in sorted(entry.prices.items())},
    }


def _base_url(name: str, entry: ProviderSettings) -> str:
    return (entry.base_url or PROVIDER_DEFAULTS[entry.type or name].base_url).rstrip("/")


def _key_secret(name: str, entry: ProviderSettings) -> str:
    return key_secret_of(name, entry.type, entry.key_secret)
