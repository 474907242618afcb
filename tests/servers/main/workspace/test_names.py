import time

import pytest
from docgen_main.workspace import DeniedError, display, parse
from docgen_main.workspace.names import check_new


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/..", "..", "/ws/../etc/passwd", "a/../b"])
def test_a_path_with_dot_dot_is_denied(path: str) -> None:
    with pytest.raises(DeniedError):
        parse(path, ("/ws",))


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "/ws-evil/secret", "/ws_2/x", "/w/s", "//etc/passwd"])
def test_an_absolute_path_outside_is_denied_without_naming_it(path: str) -> None:
    with pytest.raises(DeniedError) as refusal:
        parse(path, ("/ws",))
    assert "/ws" not in str(refusal.value)
    assert "passwd" not in str(refusal.value)


def test_an_absolute_path_inside_means_the_same_as_the_relative_one() -> None:
    assert parse("/ws/src/a.txt", ("/ws",)) == parse("src/a.txt") == ("src", "a.txt")
    assert parse("/ws", ("/ws",)) == parse(".") == ()


@pytest.mark.parametrize(
    "path",
    ["%2e%2e%2fx", "%252e%252e", "..\\x", "a\\..\\..\\x", "file:x", "~root", "-rf", "--output=x", "..."],
)
def test_nothing_is_decoded_or_expanded(path: str) -> None:
    assert parse(path) == (path,)


def test_a_file_url_is_a_relative_path_of_that_spelling() -> None:
    assert parse("file:///etc/passwd") == ("file:", "etc", "passwd")


@pytest.mark.parametrize("path", ["a\0b", "\0", "\ud800", "a/\udc80"])
def test_nul_and_lone_surrogates_are_denied(path: str) -> None:
    with pytest.raises(DeniedError):
        parse(path)


@pytest.mark.parametrize(
    "path", ["x" * 256, "é" * 128, "/".join(["d"] * 2049), "a/" * 5000 + "b", "a/" * 70 + "b"]
)
def test_names_and_paths_beyond_the_limits_are_denied_at_once(path: str) -> None:
    begun = time.monotonic()
    with pytest.raises(DeniedError):
        parse(path)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "a\x1b[31mb",
        "a\u202eb",
        "a\u200bb",
        "a\u2066b",
        "a\x7f",
        " a",
        "a ",
        "a\ufeff",
        "a\\b",
        "a\x85",
    ],
)
def test_a_new_name_with_invisible_characters_is_rejected(name: str) -> None:
    with pytest.raises(DeniedError) as refusal:
        check_new((name,))
    assert name not in str(refusal.value) or name.strip() != name or "\\" in name


@pytest.mark.parametrize(
    "name", ["a", "-rf", "--output=x", "übersicht.md", "名前.md", "a b", "{{7*7}}", "a`b|c"]
)
def test_a_new_name_of_visible_characters_is_taken(name: str) -> None:
    check_new((name,))


def test_a_listing_escapes_what_does_not_show() -> None:
    assert display("a\nb") == "a\\x0ab"
    assert display("a\u202eb") == "a\\u202eb"
    assert display("a\udcffb") == "a\\xffb"
    assert display("plain é") == "plain é"
    assert display("a\\\nb") == "a\\\\\\x0ab"
