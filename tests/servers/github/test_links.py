import pytest
from docgen_github.links import is_below, next_link

GITHUB = (
    '<https://api.github.com/repositories/1/pulls?page=2>; rel="next", '
    '<https://api.github.com/repositories/1/pulls?page=9>; rel="last"'
)


def test_the_next_page_is_found_among_others():
    assert next_link(GITHUB) == "https://api.github.com/repositories/1/pulls?page=2"


@pytest.mark.parametrize("header", ["", '<https://a/?p=1>; rel="prev"', "garbage", '<; rel="next"'])
def test_no_next_relation_is_the_last_page(header: str):
    assert next_link(header) is None


@pytest.mark.parametrize("header", ["<https://a/2>; rel=next", '<https://a/2>; title="x, y"; rel="a next"'])
def test_unquoted_and_combined_relations_count(header: str):
    assert next_link(header) == "https://a/2"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://h/repos?page=2", "https://h"),
        ("https://H:443/repos", "https://h"),
        ("https://h/api/v3/repos", "https://h/api/v3"),
    ],
)
def test_a_page_below_the_base_may_be_followed(url: str, base: str):
    assert is_below(url, base)


@pytest.mark.parametrize(
    "url",
    [
        "http://h/api/v3/repos",
        "https://h:444/api/v3/repos",
        "https://evil/api/v3/repos",
        "https://h.evil/api/v3/repos",
        "https://user@h/api/v3/repos",
        "https://h/api/v3evil/repos",
        "https://h/api/v3/../admin",
        "https://h/admin",
        "https://evil\\@h/api/v3/repos",
        "//h/api/v3/repos",
        "/api/v3/repos",
        "https://[::1/api/v3/repos",
    ],
)
def test_anything_else_may_not(url: str):
    assert not is_below(url, "https://h/api/v3")
