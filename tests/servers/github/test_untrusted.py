import pytest
from docgen_github.untrusted import bounded, clip, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\r\nb", "a\nb"),
        ("access\u202elevel", "access\\u{202e}level"),
        ("hi\U000e0041\U000e0042", "hi\\u{e0041}\\u{e0042}"),
        ("x\U000e0100", "x\\u{e0100}"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("bell\x07\x1b[31m", "bell\\u{7}\\u{1b}[31m"),
        ("lone\ud800", "lone\\u{d800}"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("Grüße, 世界", "Grüße, 世界"),
    ],
)
def test_what_people_cannot_see_is_written_out(text: str, shown: str):
    assert visible(text) == shown


def test_text_is_cut_by_bytes_and_never_inside_a_character():
    assert bounded("äöü", 5) == ("äö", True)
    assert bounded("äöü", 6) == ("äöü", False)


def test_writing_out_counts_against_the_bound():
    text, cut = bounded("\u202e" * 100, 100)
    assert cut
    assert len(text.encode()) <= 100


def test_a_short_text_shows_that_it_was_cut():
    assert (clip("abcdef", 3), clip("abc", 3)) == ("abc…", "abc")
