import re
from collections.abc import Mapping

from docgenctl.configuration.settings_tree import setting_paths
from docgenctl.configuration.starter import starter_text
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.setting_values import PortRange
from docgenctl.model.settings import Settings

from .conftest import Load


def uncommented(text: str) -> str:
    """The text with every setting in force: a `#` right before code goes, prose stays."""
    return "\n".join(
        line if re.match(r"# \S", line) else line.removeprefix("#") for line in text.splitlines()
    )


def test_the_starter_gives_the_defaults(load: Load, facts: Mapping[str, ImageFacts]) -> None:
    assert load(starter_text(facts)).settings == Settings()


def test_the_starter_with_everything_in_force_gives_the_defaults(
    load: Load, facts: Mapping[str, ImageFacts]
) -> None:
    configuration = load(uncommented(starter_text(facts)))
    found, default = configuration.settings.model_dump(), Settings().model_dump()
    servers = found.pop("servers")
    del default["servers"]
    assert found == default
    assert configuration.settings.servers["github"].port == PortRange(first=3000, last=3100)
    options = {name: option.default for name, option in facts["github"].options.items()}
    assert servers["github"]["options"] == options
    assert (options["api_url"], options["repositories"]) == ("https://api.github.com", [])


def test_the_starter_shows_every_setting(load: Load, facts: Mapping[str, ImageFacts]) -> None:
    text = starter_text(facts)
    for path in setting_paths(Settings()):
        if path[-1] != "health_port":  # only main has one
            assert re.search(rf"^#?\s*{path[-1]}:", text, re.MULTILINE), path


def test_the_starter_fits_the_screen(facts: Mapping[str, ImageFacts]) -> None:
    assert max(map(len, starter_text(facts).splitlines())) <= 110


def test_the_schema_line_is_there_only_with_a_schema(facts: Mapping[str, ImageFacts]) -> None:
    assert "yaml-language-server" not in starter_text(facts)
    first = starter_text(facts, schema_file="docgen.schema.json").splitlines()[0]
    assert first == "# yaml-language-server: $schema=docgen.schema.json"
