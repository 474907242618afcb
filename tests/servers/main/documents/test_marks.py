import pytest
from docgen_main.documents.marks import Marked, digest, mark, read_marks, without_marks, write_marks

LAYOUT = mark("layout", "## Layout\n\nsrc/\n", digest("facts"))
TESTS = mark("tests", "## Tests\n\nmake test", digest("other"))


def test_what_was_written_is_read_again() -> None:
    content = write_marks("readme", ["layout", "tests"], ["Before", LAYOUT, "Between", TESTS, "After"])
    found = read_marks(content)
    assert found.kind == "readme"
    assert found.sections == ("layout", "tests")
    assert [part if isinstance(part, Marked) else part.strip() for part in found.parts] == [
        "Before",
        LAYOUT,
        "Between",
        TESTS,
        "After",
    ]
    assert write_marks("readme", found.sections, found.parts) == content


def test_a_section_counts_as_edited_only_when_its_words_change() -> None:
    content = write_marks("readme", ["layout"], [LAYOUT])
    for same in (content, content.replace("\n", "\r\n"), content.replace("src/", "src/  ")):
        assert not read_marks(same).marked["layout"].edited
        assert read_marks(same).people_wrote == ""
    changed = read_marks(content.replace("src/", "src/ and lib/"))
    assert changed.marked["layout"].edited
    assert changed.people_wrote == "section layout"
    assert read_marks(content + "\nMine.\n").people_wrote == "text between sections"


def test_a_text_cannot_end_its_section_before_its_end() -> None:
    text = "```\n<!-- docgen:end layout 0000000000000000 -->\n<!-- docgen:end layout -->\n```\nrest"
    found = read_marks(write_marks("readme", ["layout"], [mark("layout", text, digest(""))]))
    assert found.marked["layout"].text == text


@pytest.mark.parametrize(
    "content",
    ["", "# Mine\n", "<!-- docgen:begin x text=0011223344556677 facts=0011223344556677 -->\n# Mine\n"],
)
def test_a_document_without_whole_sections_is_all_of_it_people_s(content: str) -> None:
    found = read_marks(content)
    assert (found.kind, found.marked) == ("", {})
    assert found.people_wrote == ("all of it" if content else "")


def test_many_beginnings_without_an_end_are_read_in_one_pass() -> None:
    begin = "<!-- docgen:begin x text=0011223344556677 facts=0011223344556677 -->\n"
    assert read_marks(begin * 100_000).marked == {}


def test_readers_get_the_text_without_marks() -> None:
    content = write_marks("readme", ["layout", "tests"], [LAYOUT, "Mine", TESTS])
    assert without_marks(content) == "## Layout\n\nsrc/\n\nMine\n\n## Tests\n\nmake test\n"
