"""What `models:` in docgen.yaml says, as it arrives under `options.models` of server.json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from docgen_common.errors import SettingsError

ProviderType = Literal["anthropic", "openai", "openai-compatible", "google"]

_TYPES = ("anthropic", "openai", "openai-compatible", "google")
DEFAULT_CHAIN = "default"
#: The entry of `prices` that holds for every model without one of its own.
ANY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input_usd: float
    output_usd: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1_000_000


@dataclass(frozen=True, slots=True)
class ProviderConfiguration:
    """One provider: how it is spoken to, where, the secret file with its key, and its patience.

    `timeout_s` is for one section with all attempts, `silence_s` for the next piece of an answer.
    """

    name: str
    type: ProviderType
    base_url: str
    key_secret: str
    key_required: bool
    timeout_s: float
    silence_s: float
    max_output_tokens: int
    prices: Mapping[str, Price]

    def price(self, model: str) -> Price | None:
        """What `model` costs; None where nobody said."""
        return self.prices.get(model) or self.prices.get(ANY_MODEL)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent at most; None is without a limit."""

    per_document_usd: float | None = None
    per_day_usd: float | None = None
    per_document_tokens: int | None = None

    @property
    def in_usd(self) -> bool:
        """Whether prices must be known to keep it."""
        return self.per_document_usd is not None or self.per_day_usd is not None


@dataclass(frozen=True, slots=True)
class Link:
    """One model in a chain: provider and the vendor's name of the model."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        """`provider/model`, as people write it."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class ModelsConfiguration:
    """All of `models:`. Chains never name the embedded writer, which ends each of them."""

    providers: Mapping[str, ProviderConfiguration] = field(default_factory=dict)
    chains: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)


def read_configuration(options: Mapping[str, Any]) -> ModelsConfiguration | None:
    """The configuration in a server's options, None when there is none. Raises `SettingsError`."""
    raw = options.get("models")
    if not raw:
        return None
    try:
        providers = {name: _provider(name, entry) for name, entry in raw["providers"].items()}
        chains = {
            name: tuple(_link(text, providers) for text in entry) for name, entry in raw["chains"].items()
        }
        return ModelsConfiguration(providers, chains, Budget(**raw.get("budget") or {}))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"server.json: options/models is not as docgenctl writes it: {error}") from None


def _provider(name: str, entry: Mapping[str, Any]) -> ProviderConfiguration:
    if entry["type"] not in _TYPES:
        raise ValueError(f"{entry['type']!r} is no type of provider")
    return ProviderConfiguration(
        name=name,
        type=cast("ProviderType", entry["type"]),
        base_url=str(entry["base_url"]),
        key_secret=str(entry["key_secret"]),
        key_required=bool(entry["key_required"]),
        timeout_s=float(entry["timeout_s"]),
        silence_s=float(entry["silence_s"]),
        max_output_tokens=int(entry["max_output_tokens"]),
        prices={model: Price(**price) for model, price in entry["prices"].items()},
    )


def _link(text: str, providers: Mapping[str, ProviderConfiguration]) -> Link:
    provider, _, model = text.partition("/")
    if provider not in providers or not model:
        raise ValueError(f"{text!r} names no configured provider")
    return Link(provider, model)
