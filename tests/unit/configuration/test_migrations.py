"""docgen.yaml of older layouts is read by everything, and rewritten by `config migrate`."""

import pytest

from docgenctl.configuration.migrations import STEPS, in_current_layout, values_in_current_layout
from docgenctl.configuration.settings_tree import Entries, Section, settings_tree
from docgenctl.model.errors import ConfigurationError
from docgenctl.model.settings import CURRENT_VERSION

from .conftest import Load

OLD = """\
# ours
version: 1  # the layout

gateway:
  # long calls
  request_timeout_s: 600 # ten minutes
  max_body: 8m
log_level: debug
"""


def test_an_old_file_becomes_a_new_one_with_all_its_comments() -> None:
    assert in_current_layout(OLD.encode(), "docgen.yaml").text == (
        OLD.replace("version: 1", "version: 2").replace("request_timeout_s: 600", "request_timeout: 10m")
    )


def test_an_old_file_is_read_as_if_it_were_new_and_a_note_says_so(load: Load) -> None:
    configuration = load(OLD)
    assert configuration.settings.gateway.request_timeout_s == 600
    assert configuration.origins["gateway/request_timeout"] == "docgen.yaml:6"
    (note,) = configuration.notes
    assert "layout 1" in note
    assert "`gateway/request_timeout_s` is now `request_timeout`" in note
    assert "docgenctl config migrate" in note


def test_a_file_without_a_version_is_read_by_the_keys_it_has(load: Load) -> None:
    assert load("gateway: {request_timeout: 90s}").notes == ()
    configuration = load("gateway: {request_timeout_s: 90}")
    assert configuration.settings.gateway.request_timeout_s == 90
    assert "older layout" in configuration.notes[0]


def test_migrating_twice_is_migrating_once() -> None:
    once = in_current_layout(OLD.encode(), "docgen.yaml").text
    again = in_current_layout(once.encode(), "docgen.yaml")
    assert (again.text, again.notes) == (once, ())


def test_an_old_key_beside_its_new_name_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^docgen.yaml:2: gateway/request_timeout_s: is the old name"
    ):
        in_current_layout(b"gateway:\n  request_timeout_s: 5\n  request_timeout: 5s\n", "docgen.yaml")


def test_a_newer_file_is_refused_in_one_sentence_however_strange_the_rest_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        in_current_layout(b"brand_new: {}\nversion: 3\n", "docgen.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.key_path) == (2, "version")
    assert "newer" in problem.message


def test_a_mistake_in_an_old_value_is_told_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigurationError, match=r"^docgen.yaml:2: gateway/request_timeout: 1s is out"):
        load("gateway:\n  request_timeout_s: 1\n")
    with pytest.raises(ConfigurationError, match="'soon' is not a duration"):
        load("gateway:\n  request_timeout_s: soon\n")


def test_what_deploy_recorded_under_an_older_layout_is_understood() -> None:
    recorded = {"version": 1, "gateway": {"request_timeout_s": 600, "max_body": 1}, "log_level": "info"}
    assert values_in_current_layout(recorded) == {
        "version": 2,
        "gateway": {"request_timeout": "10m", "max_body": 1},
        "log_level": "info",
    }


def test_no_step_renames_a_key_that_the_current_layout_has() -> None:
    """Else a file without `version` could not be read by its keys."""
    assert sorted(STEPS) == list(range(1, CURRENT_VERSION))
    for steps in STEPS.values():
        for step in steps:
            node: Section | Entries | object = settings_tree()
            for part in step.path[:-1]:
                node = node.children[part] if isinstance(node, Section) else getattr(node, "each", None)
            assert isinstance(node, Section)
            assert step.path[-1] not in node.children
