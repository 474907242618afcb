import io
import json
import re
from typing import Any

import pytest
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from docgenctl.model.errors import ConfigurationError
from docgenctl.rendering.quoting import (
    quote_comment,
    quote_compose,
    quote_dockerfile,
    quote_env,
    quote_haproxy,
    quote_key,
    quote_regex,
    quote_squid,
    quote_yaml,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)
HOSTILE = [
    "$HOME ${X} $$",
    "a: b # c",
    "- x\n- y",
    "\"'\\",
    "no",
    "1e3",
    "\x00\x7f\x85\u2028\ufeff",
    "😀é",
    "{% x %}",
    "",
]


def read_yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


def compose_reads(value: Any) -> Any:
    """What Compose makes of a value: `$$` is one `$`, any other `$` begins a variable."""
    if isinstance(value, str):
        assert "$" not in value.replace("$$", ""), "Compose would look for a variable"
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: compose_reads(item) for key, item in value.items()}
    return [compose_reads(item) for item in value] if isinstance(value, list) else value


@settings(deadline=None)  # ruamel's pure reader takes its time
@given(VALUES)
def test_any_value_survives_yaml(value: Any) -> None:
    assert read_yaml(f"key: {quote_yaml(value)}\n") == {"key": value}


@settings(deadline=None)  # ruamel's pure reader takes its time
@given(VALUES)
def test_any_value_survives_yaml_and_compose(value: Any) -> None:
    assert compose_reads(read_yaml(f"key: {quote_compose(value)}\n")["key"]) == value


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_survive_as_values_and_as_keys(text: str) -> None:
    read = read_yaml(f"{quote_key(text)}: {quote_compose(text)}\n")
    assert {key: compose_reads(value) for key, value in read.items()} == {text: text}


@pytest.mark.parametrize("word", ["yes", "No", "on", "null", "y", "TRUE"])
def test_keys_that_yaml_takes_for_something_else_are_quoted(word: str) -> None:
    assert quote_key(word) == f'"{word}"'


def test_a_key_too_long_for_yaml_s_short_form_survives_in_a_mapping() -> None:
    value = {"k" * 2000: {"v" * 2000: None}, "short": 1}
    assert read_yaml(f"key: {quote_yaml(value)}\n") == {"key": value}
    with pytest.raises(ConfigurationError, match="2000 characters"):
        quote_key("k" * 2000)


def test_half_a_character_is_refused_not_replaced() -> None:
    with pytest.raises(ConfigurationError):
        quote_yaml("\ud83d")


@given(TEXTS)
@example("a'b")
def test_an_env_value_is_read_back_or_refused(text: str) -> None:
    try:
        line = f"KEY={quote_env(text)}\n"
    except ConfigurationError:
        assert re.search(r"[\x00-\x1f\x7f$'\"\\`]", text)
        return
    assert dotenv_values(stream=io.StringIO(line)) == {"KEY": text}


@pytest.mark.parametrize("quote", [quote_dockerfile, quote_haproxy, quote_squid, quote_env])
def test_a_line_break_cannot_start_a_new_directive(quote: Any) -> None:
    with pytest.raises(ConfigurationError):
        quote("a\nbackdoor on")


def test_a_dockerfile_word_expands_nothing() -> None:
    assert quote_dockerfile('a "b" $c \\d') == r'"a \"b\" \$c \\d"'


def test_a_haproxy_word_with_a_meaning_is_quoted_strongly() -> None:
    assert quote_haproxy("8080") == "8080"
    assert quote_haproxy("a $b # c") == "'a $b # c'"
    assert quote_haproxy("it's") == r"'it'\''s'"


@pytest.mark.parametrize("text", ["a b", "a#b", '"a"', "a\\b", "%macro", "${service_name}", ""])
def test_squid_gets_plain_words_only(text: str) -> None:
    with pytest.raises(ConfigurationError):
        quote_squid(text)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_quoted_regex_matches_its_text_only(text: str) -> None:
    assert re.fullmatch(quote_regex(text), text)
    assert not re.fullmatch(quote_regex(text), text + "x")


@given(TEXTS)
def test_a_comment_stays_on_its_line(text: str) -> None:
    assert len(f"# {quote_comment(text)}".splitlines()) == 1


def test_yaml_strings_of_plain_text_are_json_too() -> None:
    assert json.loads(quote_yaml({"a": ["b", 1, None, True]})) == {"a": ["b", 1, None, True]}
