"""Kinds of tokens: the same here as in the server that sends them."""

import pytest
from docgen_github.token_facts import kind_of

from docgenctl.model.github_token import TOKEN_KINDS, is_sendable, token_kind


@pytest.mark.parametrize("token", ["", "nothing-known", *(prefix + "x" * 36 for prefix in TOKEN_KINDS)])
def test_the_server_tells_a_token_by_the_same_prefixes(token: str) -> None:
    assert token_kind(token) == kind_of(token)


def test_every_prefix_names_a_kind_of_its_own() -> None:
    assert {token_kind(prefix + "x") for prefix in TOKEN_KINDS} == set(TOKEN_KINDS.values())
    assert (token_kind(""), token_kind("0123abcd")) == ("none", "unknown")


@pytest.mark.parametrize(("token", "fits"), [("ghp_x", True), ("two words", False), ("a\nb", False)])
def test_what_cannot_stand_in_a_header_is_known_before_it_is_sent(token: str, fits: bool) -> None:
    assert is_sendable(token) is fits
