"""A rendered file is known as ours wherever its format puts the stamp, and nobody else's is."""

from docgenctl.rendering.quoting import quote_json
from docgenctl.rendering.stamp import is_stamped, stamp_text


def test_json_is_ours_though_its_stamp_comes_after_a_long_section() -> None:
    text = quote_json({"gateway": ["a door"] * 200, "generated": stamp_text("1.0")})
    assert "Generated" not in text[:512]
    assert is_stamped(text)


def test_a_text_that_quotes_the_stamp_at_its_end_is_not_ours() -> None:
    assert not is_stamped("# mine\n" * 200 + stamp_text("1.0"))
