import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docgen_common.settings import ServerSettings
from docgen_main.documents.known_names import KnownNames
from docgen_main.documents.writer import SectionRequest
from docgen_main.language_models.configuration import (
    Budget,
    Link,
    ModelsConfiguration,
    Price,
    ProviderConfiguration,
)
from docgen_main.language_models.models import LanguageModels
from docgen_main.language_models.retry import Patience

from tests.servers.github.serving import served
from tests.servers.main.language_models.vendors import KINDS, Vendors

#: Distinctive on purpose: found nowhere but in requests.
KEY = "sk-CANARY-" + hashlib.sha256(b"models").hexdigest()
DRAFT = """\
## Overview

The package `shop` has 42 files. Run `make test` to test it, and read `src/shop/cart.py` first.

| File | Lines |
| --- | --- |
| `src/shop/cart.py` | 120 |
"""

MakeModels = Callable[..., LanguageModels]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _vendors() -> Iterator[Vendors]:
    vendors = Vendors()
    with served(vendors.app) as port:
        vendors.url = f"http://127.0.0.1:{port}"
        yield vendors


@pytest.fixture
def vendors(_vendors: Vendors) -> Vendors:
    _vendors.reset()
    return _vendors


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("anthropic", "openai", "google", "compatible"):
        (secrets / f"{name}-api-key").write_text(KEY + "\n")
    (tmp_path / "config").mkdir()
    return ServerSettings.from_environment(
        {
            "DOCGEN_SERVER": "main",
            "DOCGEN_SECRETS_DIR": str(secrets),
            "DOCGEN_CONFIG_DIR": str(tmp_path / "config"),
        }
    )


def provider(name: str, url: str, **more: Any) -> ProviderConfiguration:
    """A provider of that type, with the patience of a test."""
    values: dict[str, Any] = {
        "name": name,
        "type": "openai-compatible" if name == "compatible" else name,
        "base_url": url + {"anthropic": "", "google": "/v1beta"}.get(name, "/v1"),
        "key_secret": f"{name}-api-key",
        "key_required": True,
        "timeout_s": 10.0,
        "silence_s": 5.0,
        "max_output_tokens": 4096,
        "prices": {"*": Price(1.0, 5.0)},
    }
    return ProviderConfiguration(**(values | more))


@pytest.fixture
async def make_models(
    vendors: Vendors, settings: ServerSettings, tmp_path: Path
) -> AsyncIterator[MakeModels]:
    """Models whose providers all lead to the stand-in."""
    made: list[LanguageModels] = []

    def make(
        *chain: str,
        budget: Budget | None = None,
        url: str = "",
        patience: Patience | None = None,
        **more: Any,
    ) -> LanguageModels:
        providers = {name: provider(name, url or vendors.url, **more) for name in (*KINDS, "compatible")}
        configuration = ModelsConfiguration(
            providers, {"default": tuple(Link(name, "model-1") for name in chain)}, budget or Budget()
        )
        quick = patience or Patience(first_pause_s=0.01)
        made.append(LanguageModels(configuration, settings, tmp_path / "data", patience=quick))
        return made[-1]

    yield make
    for models in made:
        await models.aclose()


def request_for(draft: str = DRAFT, known: KnownNames | None = None, **more: Any) -> SectionRequest:
    """A section of a README."""
    values: dict[str, Any] = {
        "kind": "readme",
        "document": "shop",
        "section": "overview",
        "title": "Overview",
        "draft": draft,
        "known": known or KnownNames(),
    }
    return SectionRequest(**(values | more))
