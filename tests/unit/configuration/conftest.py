import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from docgenctl.configuration.load import Configuration, load_configuration
from docgenctl.model.errors import ConfigurationError, Problem
from docgenctl.model.image_facts import ImageFacts

IMAGES = Path(__file__).parents[3] / "server_images"

Load = Callable[..., Configuration]
Mistakes = Callable[..., list[Problem]]


@pytest.fixture(scope="session")
def facts() -> Mapping[str, ImageFacts]:
    """The facts of the images that are really there."""
    found = [
        ImageFacts.model_validate(tomllib.loads(file.read_text())) for file in IMAGES.glob("*/image.toml")
    ]
    return {image.name: image for image in found}


@pytest.fixture
def load(tmp_path: Path, facts: Mapping[str, ImageFacts]) -> Load:
    def load(
        text: str | bytes | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
        dotenv: str = "",
    ) -> Configuration:
        if text is not None:
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / "docgen.yaml").write_bytes(data)
        if dotenv:
            (tmp_path / ".env").write_text(dotenv)
        return load_configuration(tmp_path, environ=environ or {}, flags=flags or {}, facts=facts)

    return load


@pytest.fixture
def mistakes(load: Load) -> Mistakes:
    def mistakes(*args: Any, **kwargs: Any) -> list[Problem]:
        with pytest.raises(ConfigurationError) as caught:
            load(*args, **kwargs)
        assert caught.value.exit_code == 3
        return list(caught.value.problems)

    return mistakes
