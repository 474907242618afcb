"""The language models of this server, as long as it runs: providers, breakers, the ledger, chains by name."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from docgen_common.settings import ServerSettings

from docgen_main.documents.writer import EMBEDDED, EmbeddedWriter, SectionWriter, UnknownModelError
from docgen_main.language_models.asking import Member
from docgen_main.language_models.breaker import Breaker
from docgen_main.language_models.chain import ChainWriter
from docgen_main.language_models.configuration import (
    DEFAULT_CHAIN,
    Link,
    ModelsConfiguration,
    read_configuration,
)
from docgen_main.language_models.purse import Purse
from docgen_main.language_models.retry import Patience
from docgen_main.language_models.spending import Ledger


class LanguageModels:
    """Gives each document its writer. Without configuration that is always the embedded one.

    Enter it for as long as it is used: leaving closes all connections.
    """

    def __init__(
        self,
        configuration: ModelsConfiguration,
        settings: ServerSettings,
        data: Path,
        *,
        patience: Patience | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._configuration = configuration
        self._settings = settings
        self._patience = patience or Patience()
        self._trust = trust
        self._members: dict[str, Member] = {}
        self.ledger = Ledger(data / "spending", configuration.budget.per_day_usd)

    @property
    def configuration(self) -> ModelsConfiguration:
        """What was configured."""
        return self._configuration

    @property
    def models(self) -> tuple[str, ...]:
        """What a caller may name: chains, the models in them, and the embedded writer.

        Any other model of a configured provider may be named as `provider/model` too.
        """
        chains = self._configuration.chains
        return tuple(dict.fromkeys([*chains, *(link.name for c in chains.values() for link in c), EMBEDDED]))

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:
        """The writer of one document of that kind; make one for each document, because budgets are.

        `model` is the name of a chain, `provider/model` with a configured provider, or "embedded"; without it
        the chain named like the kind is taken, else the one named "default". Raises `UnknownModelError`.
        """
        links = self._links(kind, model)
        if not links:
            return EmbeddedWriter()
        purse = Purse(self._configuration.budget, self.ledger)
        return ChainWriter(links, self.member, purse, self._patience)

    def _links(self, kind: str, model: str | None) -> tuple[Link, ...]:
        chains = self._configuration.chains
        if not model:
            return chains.get(kind, chains.get(DEFAULT_CHAIN, ()))
        if model == EMBEDDED:
            return ()
        if model in chains:
            return chains[model]
        provider, _, name = model.partition("/")
        if provider in self._configuration.providers and name:
            return (Link(provider, name),)
        known = ", ".join([*self.models, *(f"{name}/MODEL" for name in self._configuration.providers)])
        raise UnknownModelError(f"there is no model or chain {model[:80]!r}; choose one of: {known}")

    def member(self, name: str) -> Member:
        """The provider of that name, opened when it is first needed."""
        if name not in self._members:
            # Imported here: what is not configured costs nothing.
            from docgen_main.language_models.providers import open_provider

            configuration = self._configuration.providers[name]
            self._members[name] = Member(
                configuration,
                open_provider(configuration, self._settings.egress_proxy, self._trust),
                Breaker(),
                lambda: self._settings.secret(configuration.key_secret),
            )
        return self._members[name]

    @property
    def opened(self) -> Mapping[str, Member]:
        """The providers that were used since the start."""
        return self._members

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for member in self._members.values():
            await member.provider.aclose()


def open_models(settings: ServerSettings, data: Path) -> LanguageModels:
    """The models that the server's options name. Raises `SettingsError` for options that cannot be meant."""
    return LanguageModels(read_configuration(settings.options()) or ModelsConfiguration(), settings, data)
