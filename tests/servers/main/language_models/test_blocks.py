"""A draft taken apart and put together: a model cannot touch what is no prose."""

import pytest
from docgen_main.language_models.blocks import put_together, take_apart
from docgen_main.language_models.failures import ModelError

CODE = "```sh\nmake test\n\n\n# not a heading\n```"
TABLE = "| a | b |\n| --- | --- |\n| `x` | 1 |"
PLAIN = f"## Title\n\nFirst words.\n\n{CODE}\n\nMore words.\n\n{TABLE}\n"
NESTED = f"## Title\n\nFirst words.\n\n### Inner\n\nMore words.\n\n{TABLE}\n"


@pytest.mark.parametrize("draft", [PLAIN, NESTED, "## Only\n", "", "Words alone.\n", f"{CODE}\n"])
def test_nothing_is_lost_on_the_way(draft: str) -> None:
    apart = take_apart(draft)
    assert put_together(apart, apart.text).strip() == draft.strip()


def test_the_model_sees_neither_heading_nor_code_nor_table() -> None:
    apart = take_apart(PLAIN)
    assert apart.prose.split() == ["First", "words.", "More", "words."]
    assert "make test" not in apart.text
    assert "Title" not in apart.text


def test_a_lost_block_comes_last_and_a_doubled_one_once() -> None:
    apart = take_apart(PLAIN)
    mark = apart.blocks[0][0]
    whole = put_together(apart, f"New.\n\n{mark}\n\n{mark}")
    assert whole == f"## Title\n\nNew.\n\n{CODE}\n\n{TABLE}\n"


def test_parts_below_headings_must_all_be_there_in_order() -> None:
    apart = take_apart(NESTED)
    with pytest.raises(ModelError, match="did not keep"):
        put_together(apart, "New.")


def test_a_placeholder_cannot_be_guessed_from_the_workspace() -> None:
    assert take_apart(PLAIN).blocks[0][0] != take_apart(PLAIN).blocks[0][0]
