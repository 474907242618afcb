"""The table of contents, held against the commands themselves."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from docgenctl.cli.app import COMMANDS, run
from docgenctl.cli.pages import ROOT_OPTIONS
from docgenctl.cli.tree import load, root


def command(name: str) -> Any:
    return load(name)


def leaves(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(node, "commands", {}).items():
        yield from leaves(child, (*path, name))
    yield path, node


ALL = [leaf for name in COMMANDS for leaf in leaves(command(name), (name,))]
IDS = [" ".join(path) for path, _ in ALL]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_in_the_table_is_the_first_line_of_the_command_s_own_help(name: str) -> None:
    assert COMMANDS[name].summary == (command(name).help or "").splitlines()[0]


@pytest.mark.parametrize(("path", "node"), ALL, ids=IDS)
def test_every_command_and_every_option_says_what_it_is_for(path: tuple[str, ...], node: Any) -> None:
    assert node.help
    assert node.help.splitlines()[0].endswith(".")
    for parameter in node.params:
        assert getattr(parameter, "help", ""), f"{' '.join(path)}: {parameter.name}"


@pytest.mark.parametrize(("path", "node"), ALL, ids=IDS)
def test_every_command_answers_to_help(
    path: tuple[str, ...], node: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--help", "-h"):
        assert run([*path, option]) == 0
        said = capsys.readouterr()
        assert f"Usage: docgenctl {' '.join(path)}" in said.out
        assert said.err == ""


@pytest.mark.parametrize(("path", "node"), ALL, ids=IDS)
def test_an_option_without_its_value_is_told_with_the_help_of_its_own_command(
    path: tuple[str, ...], node: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for parameter in node.params:
        if parameter.param_type_name != "option" or parameter.is_flag:
            continue
        assert run([*path, parameter.opts[0]]) == 2
        assert capsys.readouterr().err.endswith(f"Hint: docgenctl {' '.join(path)} --help\n")


def test_every_command_of_the_table_stands_on_the_help_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    page = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert f" {name} " in page
        assert entry.panel in page


def test_the_front_page_tells_the_options_that_the_root_has() -> None:
    spelled = {option for parameter in get_command(root).params for option in parameter.opts}
    told = {option for term, _ in ROOT_OPTIONS for option in term.split(", ")}
    assert told == spelled | {"-h", "--help"}


def test_the_commands_of_the_first_release_are_all_there() -> None:
    promised = {
        *("init", "config", "render", "build", "up", "down", "stop", "start", "restart", "status"),
        *("health", "logs", "generate", "tools", "endpoint", "deploy", "base-image", "version"),
    }
    assert promised <= set(COMMANDS)
    assert set(command("config").commands) >= {"validate", "show", "schema"}
    assert set(command("tools").commands) >= {"list", "call"}


#: Commands about one workspace; these must be able to name it.
WITHOUT_PROJECT = {
    ("config",),
    ("config", "schema"),
    ("keys",),
    ("lock",),
    ("tools",),
    ("clients",),
    ("servers",),
    ("documents",),
    ("templates",),
    ("base-image",),
    ("version",),
}


@pytest.mark.parametrize(("path", "node"), ALL, ids=IDS)
def test_every_command_about_a_workspace_takes_its_directory(path: tuple[str, ...], node: Any) -> None:
    options = {option for parameter in node.params for option in parameter.opts}
    assert ("--project-dir" in options) == (path not in WITHOUT_PROJECT)


@pytest.mark.parametrize(("path", "node"), ALL, ids=IDS)
def test_every_command_that_prints_a_result_can_print_it_as_json(path: tuple[str, ...], node: Any) -> None:
    without = {("config",), ("lock",), ("tools",), ("documents",), ("templates",), ("clients",), ("mcp",)}
    without |= {("config", "schema"), ("config", "edit"), ("servers",), ("keys",)}
    if path in without:
        return
    assert "--json" in {option for parameter in node.params for option in parameter.opts}


def test_the_root_is_a_typer_app_without_pretty_exceptions() -> None:
    """Their tracebacks print local variables, and secrets are local variables somewhere."""
    assert isinstance(root, typer.Typer)
    assert root.pretty_exceptions_enable is False
