"""A change to docgen.yaml leaves every byte that it is not about."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.configuration.text_edits import remove_value, rename_key, set_value, written
from docgenctl.configuration.yaml_source import parse_yaml
from docgenctl.model.errors import ConfigurationError

FILE = """\
# Ours, do not touch.
version: 2

# about ports
ports:
    orchestrator: 8080 # the endpoint
# about the gateway
gateway:
    hostnames:
    - a
    - b  # bee

    max_body: '8m'
servers: {main: {port: 3}, github: }
log_level: debug"""


def values(text: str) -> Any:
    return parse_yaml(text.encode(), "docgen.yaml").values


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("log_level", "info", "log_level: debug", "log_level: info"),
        ("ports/orchestrator", "8080-8180", " 8080 # the", ' "8080-8180" # the'),
        ("gateway/max_body", "16m", "'8m'", "16m"),
        ("gateway/hostnames", ["x"], "\n    - a\n    - b  # bee", ' ["x"]  # bee'),
        ("servers/main/port", 4, "port: 3", "port: 4"),
        ("ports/bind", "0.0.0.0", "# the endpoint\n", "# the endpoint\n    bind: 0.0.0.0\n"),
        ("gateway/request_timeout", "5m", "'8m'\n", "'8m'\n    request_timeout: 5m\n"),
        ("servers/main/limits/cpus", 0.5, "port: 3}", "port: 3, limits: {cpus: 0.5}}"),
        ("servers/github/port", 5, "github: }", "github: {port: 5} }"),
        ("servers/two/image", "main", "github: }", "github:, two: {image: main} }"),
        ("images/base", "a:b", "debug", "debug\nimages:\n    base: a:b\n"),
    ],
)
def test_setting_a_value_changes_its_place_only(path: str, value: Any, old: str, new: str) -> None:
    assert FILE.count(old) == 1
    assert set_value(FILE, tuple(path.split("/")), value) == FILE.replace(old, new)


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("log_level", "log_level: debug"),
        ("gateway/hostnames", "    hostnames:\n    - a\n    - b  # bee\n"),
        ("gateway", FILE[FILE.index("gateway:") : FILE.index("servers:")]),
        ("servers/main", "main: {port: 3}, "),
        ("servers/github", ", github:"),
    ],
)
def test_removing_a_key_takes_its_lines_only(path: str, gone: str) -> None:
    assert remove_value(FILE, tuple(path.split("/"))) == FILE.replace(gone, "")


def test_a_section_that_held_nothing_else_goes_with_its_last_key() -> None:
    text = "log_level: info\ngateway:\n  max_body: 1m\n"
    assert remove_value(text, ("gateway", "max_body")) == "log_level: info\n"
    with_comment = "gateway:\n  # why\n  max_body: 1m\n"
    assert remove_value(with_comment, ("gateway", "max_body")) == "gateway:\n  # why\n"
    assert remove_value("servers: {a: {port: 1}, b: }", ("servers", "a", "port")) == "servers: {b: }"


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove_value(FILE, ("images", "base")) == FILE


@pytest.mark.parametrize("text", ["", "# only a comment", "# one\n\n# two\n", "---\n", "--- # begins\n# x\n"])
def test_a_file_without_values_gets_its_first_at_the_end(text: str) -> None:
    changed = set_value(text, ("ports", "bind"), "::1")
    assert changed.startswith(text)
    assert values(changed) == {"ports": {"bind": "::1"}}


def test_an_empty_section_is_filled_below_its_line() -> None:
    assert set_value("ports:  # here\nproject: a1\n", ("ports", "orchestrator"), 1) == (
        "ports:  # here\n  orchestrator: 1\nproject: a1\n"
    )
    assert set_value("ports: ~\n", ("ports", "orchestrator"), 1) == "ports:\n  orchestrator: 1\n"


def test_line_ends_stay_those_of_the_file() -> None:
    changed = set_value("ports:\r\n  bind: a\r\nproject: b1\r\n", ("ports", "orchestrator"), 1)
    assert changed == "ports:\r\n  bind: a\r\n  orchestrator: 1\r\nproject: b1\r\n"


def test_a_long_text_over_several_lines_is_one_value() -> None:
    text = "project: |-\n  a\n\n  b\n# end\nlog_level: info\n"
    assert set_value(text, ("project",), "xy") == "project: xy\n# end\nlog_level: info\n"
    assert remove_value(text, ("project",)) == "# end\nlog_level: info\n"


def test_a_key_is_renamed_in_its_place() -> None:
    text = "gateway: {request_timeout_s: 600} # x\n"
    assert rename_key(text, ("gateway", "request_timeout_s"), "request_timeout", "10m") == (
        "gateway: {request_timeout: 10m} # x\n"
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("limits: &x {cpus: 1}\nservers: {main: {limits: *x}}", "servers/main/limits/pids"),
        ("limits: {cpus: &c 1}\nservers: {main: {limits: {cpus: *c}}}", "limits/cpus"),
        ("ports: 8080", "ports/bind"),
        ("? ports", "ports/bind"),
    ],
)
def test_what_only_the_author_can_change_is_left_to_the_author(text: str, path: str) -> None:
    with pytest.raises(ConfigurationError, match="only its author") as caught:
        set_value(text, tuple(path.split("/")), 7)
    assert (caught.value.code, caught.value.hint) == ("not_editable", "docgenctl config edit")


KEYS = st.sampled_from(["a", "b", "c1"])
SCALARS = st.one_of(
    st.integers(), st.booleans(), st.text(st.characters(codec="ascii"), max_size=8), st.lists(st.integers())
)
TREES = st.recursive(SCALARS, lambda below: st.dictionaries(KEYS, below, max_size=3), max_leaves=8)


@settings(deadline=None, max_examples=60)
@given(
    tree=st.dictionaries(KEYS, TREES, max_size=3), path=st.lists(KEYS, min_size=1, max_size=3), value=SCALARS
)
def test_any_value_can_be_set_and_removed_again(tree: dict[str, Any], path: list[str], value: Any) -> None:
    """The functions compare with what was wanted themselves; this finds forms that they would refuse."""
    text = "".join(f"# {key}\n{key}: {written(item)}\n" for key, item in tree.items())
    where: Any = tree
    for part in path[:-1]:
        where = where.get(part, {}) if isinstance(where, dict) else None
    if not isinstance(where, dict):
        return
    changed = set_value(text, tuple(path), value)
    assert all(f"# {key}\n" in changed for key in tree)
    remove_value(changed, tuple(path))
