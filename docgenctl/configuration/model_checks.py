"""Checks of `models` that single values cannot show: providers that are complete, chains that lead to one."""

import difflib
from collections.abc import Iterator, Mapping

from docgenctl.configuration.explanations import display
from docgenctl.configuration.layers import Mistake
from docgenctl.model.model_providers import PROVIDER_DEFAULTS, key_secret_of, needs_key, variable_of
from docgenctl.model.settings import ModelSettings

#: the writer that ends every chain, and so names no chain and stands in none
_EMBEDDED = "embedded"


def model_mistakes(models: ModelSettings) -> Iterator[Mistake]:
    """Everything wrong with providers and chains whose single values are right."""
    for name, provider in models.providers.items():
        path = ("models", "providers", name)
        kind = provider.type or name
        if kind not in PROVIDER_DEFAULTS:
            types = ", ".join(PROVIDER_DEFAULTS)
            yield Mistake((*path, "type"), f"is needed for {name!r}", f"write one of {types}")
        elif not (provider.base_url or PROVIDER_DEFAULTS[kind].base_url):
            yield Mistake((*path, "base_url"), "is needed", "write http://ollama.example:11434/v1")
    for name, chain in models.chains.items():
        if name == _EMBEDDED:
            yield Mistake(("models", "chains", name), "is the writer that ends every chain", "rename it")
        for link in chain:
            yield from _link_mistakes(("models", "chains", name), link, models)


def keys_not_set(models: ModelSettings, *places: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each provider that needs a key which none of the `places` (variables) has."""
    for name, provider in models.providers.items():
        variable = variable_of(key_secret_of(name, provider.type, provider.key_secret))
        if needs_key(name, provider.type, provider.key_secret) and not any(
            place.get(variable, "").strip() for place in places
        ):
            yield f"models/providers/{name} has no key and is passed over: set {variable}"


def _link_mistakes(path: tuple[str, ...], link: str, models: ModelSettings) -> Iterator[Mistake]:
    provider, _, model = link.partition("/")
    if link == _EMBEDDED:
        yield Mistake(path, "the embedded writer ends every chain by itself", "leave it out")
    elif not model:
        yield Mistake(path, f"{display(link)} is not a model", "write provider/model")
    elif provider not in models.providers:
        near = difflib.get_close_matches(provider, models.providers, n=1)
        known = ", ".join(models.providers) or "none"
        hint = f"did you mean `{near[0]}/{model}`?" if near else f"providers below models/providers: {known}"
        yield Mistake(path, f"{display(provider)} is not a provider", hint)
    elif _needs_price(provider, model, models):
        yield Mistake(
            path,
            f"{display(link)} has no price, which a budget in US dollars needs",
            f"write it below models/providers/{provider}/prices/{model}",
        )


def _needs_price(provider: str, model: str, models: ModelSettings) -> bool:
    in_usd = models.budget.per_document_usd is not None or models.budget.per_day_usd is not None
    return in_usd and not {model, "*"} & set(models.providers[provider].prices)
