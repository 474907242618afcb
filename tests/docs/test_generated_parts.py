import re

import pytest
from docgen_main.documents import KINDS

from docgenctl.cli.app import COMMANDS
from docgenctl.cli.generate import KINDS as OFFERED
from docgenctl.configuration.settings_tree import setting_paths
from docgenctl.configuration.yaml_source import parse_yaml
from docgenctl.images.facts import all_image_facts
from docgenctl.model.settings import Settings
from docs.generate import PARTS, commands, documents, main, option_names

from .documents import DOCS, read, section


def test_no_generated_part_is_stale() -> None:
    stale = [path.name for path, text in documents() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run: .venv/bin/python docs/generate.py"


def test_every_generated_part_stands_in_a_document() -> None:
    everything = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    assert all(f"<!-- generated: {name} -->" in everything for name in PARTS)


def test_a_stale_part_is_found_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert main() == 0
    monkeypatch.setitem(PARTS, "commands", lambda: "something else")  # type: ignore[arg-type]
    assert main() == 1
    assert "docs/cli.md" in capsys.readouterr().out


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented_with_all_of_its_options(name: str) -> None:
    told = section(read("cli.md"), f"#### docgenctl {name}")
    for option in option_names(commands()[name]):
        assert option in ("--help", "-h") or re.search(rf"`[^`]*(?<![\w-]){option}\b", told), option


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_a_command_is_its_own(name: str) -> None:
    below = [command for key, command in commands().items() if key == name]
    assert [command.help.strip() for command in below] in ([], [COMMANDS[name].summary])


def test_every_argument_and_option_says_what_it_is() -> None:
    silent = [
        f"{name} {parameter.name}"
        for name, command in commands().items()
        for parameter in command.params
        if not parameter.help
    ]
    assert not silent


def test_a_default_can_be_copied_into_docgen_yaml() -> None:
    told = read("configuration.md")
    for image in all_image_facts().values():
        for key, option in image.options.items():
            (default,) = re.findall(rf"(?m)^\| `{key}` \| {option.type} \|.*\| `([^`]*)` \|$", told)
            assert parse_yaml(f"value: {default}\n".encode(), "docs").values["value"] == option.default


def test_every_setting_is_documented() -> None:
    told = read("configuration.md")
    for path in setting_paths(Settings()):
        general = (path[0], "<name>", *path[2:]) if path[0] == "servers" else path
        assert f"`{'/'.join(general)}`" in told, path


def test_every_option_and_secret_of_a_server_image_is_documented() -> None:
    told = read("configuration.md")
    for name, image in all_image_facts().items():
        names = [*image.options, *(secret.environment for secret in image.secrets)]
        assert all(f"| `{word}` |" in told for word in names), name


def test_the_kinds_that_generate_takes_are_those_of_the_server() -> None:
    assert tuple(KINDS) == OFFERED
