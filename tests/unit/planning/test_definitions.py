"""What `up` does about tools that are new or changed, and how a server is proved whose tools are renamed."""

import pytest

from docgenctl.model.image_facts import CanaryFacts
from docgenctl.model.routes import RoutedServer, RoutedTool
from docgenctl.model.tool_settings import ToolSettings
from docgenctl.planning.definitions import look_at
from docgenctl.planning.reachable_canary import reachable_canary


def tool(name: str, digest: str) -> RoutedTool:
    return RoutedTool(
        server="main",
        own_name=name,
        name=name,
        denied=False,
        held="",
        standing="unseen",
        digest=digest,
        read_only=True,
        timeout_s=60,
        rate="",
        endpoints=("/mcp",),
        findings=(),
        definition={"name": name},
    )


def server(changes: str, *tools: RoutedTool, told: bool = True) -> RoutedServer:
    return RoutedServer("main", "", told, changes, (), tools)


@pytest.mark.parametrize("changes", ["report", "hold"])
def test_the_first_look_takes_every_tool_as_it_is_and_says_nothing(changes: str) -> None:
    look = look_at([server(changes, tool("a", "1"), tool("b", "2"))], {})
    assert [it.own_name for it in look.learnt] == ["a", "b"]
    assert (look.held, look.told) == ((), ())


def test_a_reported_change_is_told_and_known_from_then_on() -> None:
    look = look_at([server("report", tool("a", "2"), tool("b", "1"))], {"main": {"a": "1", "gone": "1"}})
    assert [it.own_name for it in look.learnt] == ["a", "b"]
    assert look.told == (
        "the tool a of main has another definition than before",
        "the tool b of main is new",
    )


def test_many_changes_of_one_server_are_one_sentence() -> None:
    tools = [tool(name, "1") for name in "abcdefg"]
    look = look_at([server("report", *tools)], {"main": {"a": "0", "b": "0"}})
    assert [it.own_name for it in look.learnt] == list("abcdefg")
    assert look.told == (
        "2 tools of main have other definitions than before: a, b",
        "5 tools of main are new: c, d, e, f, g",
    )
    (sentence,) = look_at([server("report", *tools)], {"main": {}}).told
    assert sentence == "7 tools of main are new: a, b, c, d, e and 2 more (docgenctl routes)"


def test_a_change_that_is_held_is_told_and_not_learnt() -> None:
    look = look_at([server("hold", tool("a", "2"), tool("b", "1"))], {"main": {"a": "1", "b": "1"}})
    assert (look.learnt, [it.own_name for it in look.held]) == ((), ["a"])
    assert look.told == (
        "the tool a of main has another definition than before; it is held back until you say: "
        "docgenctl tools accept a",
    )


def test_a_server_that_told_nothing_is_not_looked_at() -> None:
    assert look_at([server("report", told=False)], {}).learnt == ()


@pytest.mark.parametrize(
    ("tools", "called"),
    [
        ({}, "files_list"),
        ({"rename": {"files_list": "ls"}}, "ls"),
        ({"rename": {"files_*": "tree_*"}}, "tree_list"),
        ({"rename": {"files_*": "tree_*", "files_list": "ls"}}, "ls"),
        ({"rename": {"file*": "tree*", "files_*": "no_*", "docs_*": "files_*"}}, "trees_list"),
        ({"deny": ["tree_*"], "rename": {"files_*": "tree_*"}}, None),
        ({"deny": ["files_*"]}, None),
        ({"deny": ["ls"], "rename": {"files_list": "ls"}}, None),
        ({"allow": ["docs_*"]}, None),
    ],
)
def test_a_server_is_proved_by_a_call_that_clients_can_make(
    tools: dict[str, object], called: str | None
) -> None:
    canary = reachable_canary(CanaryFacts(tool="files_list"), ToolSettings.model_validate(tools))
    assert (canary.tool if canary else None) == called
    assert reachable_canary(None, ToolSettings()) is None
