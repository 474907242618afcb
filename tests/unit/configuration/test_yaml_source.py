import contextlib
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from docgenctl.configuration.yaml_source import parse_yaml, read_yaml
from docgenctl.model.errors import ConfigurationError


@contextlib.contextmanager
def counted_calls() -> Iterator[list[int]]:
    """How many functions are called meanwhile: work, which no other process on the machine changes."""
    calls = [0]

    def note(_: FrameType, event: str, __: object) -> None:
        calls[0] += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def parse(text: str | bytes) -> dict[str, Any]:
    data = text if isinstance(text, bytes) else text.encode()
    return dict(parse_yaml(data, "docgen.yaml").values)


def complaint(text: str | bytes) -> str:
    """What is told of it, at a price that grows with its length and no faster, however it is made."""
    with pytest.raises(ConfigurationError) as caught, counted_calls() as calls:
        parse(text)
    assert calls[0] < 50_000 + 20 * len(text)  # what the first import takes is in it
    (problem,) = caught.value.problems
    assert problem.hint
    assert caught.value.message == str(problem)
    return str(problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1", "docgen.yaml:2: a tab stands in the indentation"),
        ("a: 1\nb: 2\na: 3", "docgen.yaml:3: a: the key is written twice, first in line 1"),
        ("a:\n  b: 1\n  'b': 2", "docgen.yaml:3: a/b: the key is written twice, first in line 2"),
        (
            "a: !!python/object/apply:os.system [id]",
            "docgen.yaml:1: the tag !!python/object/apply:os.system ",
        ),
        ("a: 1\nb: !custom x", "docgen.yaml:2: the tag !custom is not allowed here"),
        ("a: 1\nb: x\0y", "docgen.yaml:2: holds the unprintable character U+0000"),
        ("a: \x1b[31m", "docgen.yaml:1: holds the unprintable character U+001B"),
        ("a: 1".encode("utf-16"), "docgen.yaml:1: is not UTF-8 (it looks like UTF-16 or UTF-32)"),
        ("a: 1".encode("utf-16-be"), "docgen.yaml:1: is not UTF-8 (it looks like UTF-16 or UTF-32)"),
        ("a: 1".encode("utf-16-le"), "docgen.yaml:1: is not UTF-8 (it looks like UTF-16 or UTF-32)"),
        ("a: 1".encode("utf-32"), "docgen.yaml:1: is not UTF-8 (it looks like UTF-16 or UTF-32)"),
        (b"a: 1\nb: \xe9", "docgen.yaml:2: byte 0xe9 is not UTF-8"),
        ("- 1", "docgen.yaml:1: the file holds no settings but a single value or list"),
        ("\n\nword", "docgen.yaml:3: the file holds no settings but a single value or list"),
        ("a: 1\n---\nb: 2", "docgen.yaml:2: begins a second document"),
        ("a: 1\nb: [1, 2", "docgen.yaml:2: is not valid YAML"),
        ("a: 1\nb: c: d", "docgen.yaml:2: is not valid YAML"),
        ('a: 1\nb: "c', "docgen.yaml:2: is not valid YAML"),
        ("a: 1\n? [b]\n: 2", "docgen.yaml:2: a key must be a plain word"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "docgen.yaml:3: merge keys (`<<`) are not read"),
        ("a: 1\nb: *c", "docgen.yaml:2: no value is named &c before this"),
        ("a: 1\nb: &b [*b]", "docgen.yaml:2: *b stands inside of itself"),
    ],
)
def test_a_file_that_is_no_plain_mapping_is_refused_with_its_line(text: str | bytes, expected: str) -> None:
    assert complaint(text).startswith(expected)


def test_an_alias_bomb_ends_before_it_goes_off() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    assert "aliases stand for more than" in complaint(bomb)


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 100_000, "a: {" * 50_000, "? " * 100_000])
def test_a_pit_of_nested_values_is_refused(text: str) -> None:
    assert "nested deeper than" in complaint(text) or "a key must be a plain word" in complaint(text)


def test_a_flood_of_small_values_is_refused() -> None:
    assert "holds more than 5000 values" in complaint("".join(f"k{i}: 1\n" for i in range(20_000)))


@pytest.mark.parametrize("size", [256 * 1024 + 1, 10**8])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "docgen.yaml"
    path.touch()
    os.truncate(path, size)
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match=r"docgen\.yaml: is larger than 256 KiB"):
            read_yaml(path)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_pipe_in_place_of_the_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "docgen.yaml")
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        read_yaml(tmp_path / "docgen.yaml")


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        read_yaml(tmp_path)


def test_a_link_to_nowhere_is_not_taken_for_an_absent_file(tmp_path: Path) -> None:
    (tmp_path / "docgen.yaml").symlink_to("gone.yaml")
    with pytest.raises(ConfigurationError, match="a link to something that does not exist"):
        read_yaml(tmp_path / "docgen.yaml")


def test_an_absent_file_is_none(tmp_path: Path) -> None:
    assert read_yaml(tmp_path / "docgen.yaml") is None


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "---\n...\n", "\ufeff", "~"])
def test_a_file_without_values_is_empty(text: str) -> None:
    assert parse(text) == {}


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3200", 3200),
        ("3200-3300", "3200-3300"),
        ("1.5", 1.5),
        ("0x10", 16),
        ("0o17", 15),
        ("010", 10),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ('""', ""),
        ("'true'", "true"),
        ("22:22", "22:22"),
        ("2026-11-22", "2026-11-22"),
        ("9" * 5_000, "9" * 5_000),
        ("1e400", float("inf")),
        ("1.2.3", "1.2.3"),
        ("[a, 1]", ["a", 1]),
        ("{b: {c: 1}}", {"b": {"c": 1}}),
    ],
)
def test_scalars_follow_the_core_schema(written: str, value: object) -> None:
    assert parse(f"a: {written}") == {"a": value}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse("1: a\ntrue: b\nnull: c") == {"1": "a", "true": "b", "null": "c"}


def test_a_value_may_be_named_and_used_again() -> None:
    assert parse("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


def test_every_key_and_item_has_its_line() -> None:
    document = parse_yaml(b"# head\na:\n  b: 1\n  c:\n    - x\n    - y\nd: {e: 1,\n  f: 2}\n", "docgen.yaml")
    assert document.lines == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 6,
        ("d",): 7,
        ("d", "e"): 7,
        ("d", "f"): 8,
    }
    assert document.line(("a", "c", 7)) == 4
    assert document.line(("z",)) == 0
