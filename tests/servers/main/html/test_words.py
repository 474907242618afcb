import pytest
from docgen_main.html.words import breakable, straight


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a/b.py", "a/<wbr>b.<wbr>py"),
        ("src/__main__.py", "src/<wbr>__main__.<wbr>py"),
        ("docgen_common", "docgen_common"),
        (
            "test_a_very_long_name_of_a_test",
            "test_<wbr>a_<wbr>very_<wbr>long_<wbr>name_<wbr>of_<wbr>a_<wbr>test",
        ),
        (
            "python -m x --dry-run",
            'python <span class="whole">-m</span> x <span class="whole">--dry-run</span>',
        ),
        ("make engine-stop", 'make <span class="whole">engine-stop</span>'),
        ("a/b-c", "a/<wbr>b-c"),
        ("<b> & 'c'", "&lt;b&gt; &amp; &#x27;c&#x27;"),
        ("", ""),
    ],
)
def test_code_breaks_behind_separators_and_never_inside_an_option(text: str, html: str) -> None:
    assert breakable(text) == html


def test_characters_that_turn_the_direction_of_text_are_written_out() -> None:
    assert straight("a\u202eb\u2066c שלום") == "a[U+202E]b[U+2066]c שלום"
