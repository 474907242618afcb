"""Flag over environment over `.env` over docgen.yaml over default: every pair, for a setting of each kind."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docgenctl.configuration.environment import VARIABLES
from docgenctl.configuration.load import load_configuration
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.setting_values import PortRange
from docgenctl.model.settings import Settings

#: key path → its value in each place, strongest first
KINDS: dict[str, tuple[str, str, str, str]] = {
    "ports/orchestrator": ("9001", "9002-9003", "9004", "9005"),
    "images/base": ("a:1", "b:1", "c:1", "d:1"),
    "log_level": ("debug", "WARNING", "error", "info"),
    "limits/memory": ("1g", "2g", "3g", "4g"),
    "limits/cpus": ("1", "2", "3", "4"),
    "networks/backend_pool": ("10.1.0.0/20", "10.2.0.0/20", "10.3.0.0/20", "10.4.0.0/20"),
    "project": ("from-flag", "from-environment", "from-dotenv", "from-file"),
    "servers/main/port": ("9101", "9102", "9103", "9104"),
}
PLACES = ("flag", "environment", ".env", "docgen.yaml")
PAIRS = list(itertools.combinations(range(4), 2))


def value_of(settings: Settings, key_path: str) -> Any:
    value: Any = settings
    for part in key_path.split("/"):
        value = value[part] if isinstance(value, Mapping) else getattr(value, part)
    return str(value) if isinstance(value, PortRange) else value


def load(folder: Path, facts: Mapping[str, ImageFacts], key_path: str, places: set[int]) -> Any:
    """What holds when the setting is given in these places only, and where it is said to come from."""
    values, variable = KINDS[key_path], next(name for name, path in VARIABLES.items() if path == key_path)
    *above, key = key_path.split("/")
    text = f"{{{key}: {values[3]}}}"
    for part in reversed(above):
        text = f"{{{part}: {text}}}"
    for name, content in (
        ("docgen.yaml", text if 3 in places else ""),
        (".env", f"{variable}={values[2]}\n"),
    ):
        (folder / name).write_text(content if name == "docgen.yaml" or 2 in places else "")
    configuration = load_configuration(
        folder,
        environ={variable: values[1]} if 1 in places else {},
        flags={key_path: values[0]} if 0 in places else {},
        facts=facts,
    )
    return value_of(configuration.settings, key_path), configuration.origins[key_path]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{PLACES[pair[0]]} over {PLACES[pair[1]]}")
@pytest.mark.parametrize("key_path", KINDS)
def test_of_two_places_the_stronger_one_holds(
    tmp_path: Path, facts: Mapping[str, ImageFacts], key_path: str, pair: tuple[int, int]
) -> None:
    both = load(tmp_path, facts, key_path, set(pair))
    assert both == load(tmp_path, facts, key_path, {pair[0]})
    assert both[0] != load(tmp_path, facts, key_path, {pair[1]})[0]
    assert both[1].startswith(PLACES[pair[0]])


@pytest.mark.parametrize("place", range(4), ids=PLACES)
@pytest.mark.parametrize("key_path", KINDS)
def test_every_place_is_stronger_than_the_default(
    tmp_path: Path, facts: Mapping[str, ImageFacts], key_path: str, place: int
) -> None:
    assert load(tmp_path, facts, key_path, set())[1] == "default"
    assert load(tmp_path, facts, key_path, {place})[1].startswith(PLACES[place])
