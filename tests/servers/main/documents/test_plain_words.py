"""Small things that readers of documents stumble over: borrowed words, wrong counts, runs of lists."""

from pathlib import Path

from docgen_main.markdown_text import prose

from tests.servers.main.conftest import write_files
from tests.servers.main.documents.test_documents import make

PACKAGE = {
    "pyproject.toml": '[project]\nname = "till"\nversion = "1.0"\n',
    "src/till/__init__.py": '"""Counts money."""\n\nfrom till.coins import Coin\n\n__all__ = ["Coin"]\n',
    "src/till/app.py": '"""The program."""\n\n\ndef main() -> int:\n    """Start."""\n    return 0\n',
    "src/till/coins.py": (
        '"""Coins."""\n\n\nclass Coin:\n    """One coin.\n\n'
        "    Args:\n        cents: what it is worth\n"
        '    """\n\n    cents: int\n'
    ),
    "scripts/one.py": '"""Sweeps the floor."""\n\n\ndef sweep() -> None: ...\n',
    "scripts/two.py": "def mop() -> None: ...\n",
}


def test_a_component_is_not_described_by_what_one_of_its_modules_says_of_itself(tmp_path: Path) -> None:
    write_files(tmp_path, PACKAGE)
    for kind in ("readme", "architecture"):
        document, _ = make(tmp_path, kind)
        (row,) = [line for line in document.splitlines() if line.startswith("| `scripts` |")]
        assert "Sweeps" not in row
        assert "| `till` |" in document
        assert "Counts money." in document


def test_a_name_that_is_handed_on_is_counted_where_it_is_made(tmp_path: Path) -> None:
    write_files(tmp_path, PACKAGE)
    document, _ = make(tmp_path, "api-reference")
    assert "4 public names in 2 components:" in document
    assert "- `till` (2)" in document


def test_members_do_not_run_into_the_list_that_ends_the_words_above_them(tmp_path: Path) -> None:
    write_files(tmp_path, PACKAGE)
    document, _ = make(tmp_path, "api-reference")
    assert "- cents: what it is worth\n\nMembers:\n\n- `cents: int`" in document


def test_a_tutorial_begins_with_the_names_that_the_package_hands_on(tmp_path: Path) -> None:
    write_files(tmp_path, PACKAGE)
    document, _ = make(tmp_path, "getting-started")
    assert document.index("`class Coin`") < document.index("`def main() -> int`")


def test_components_without_imports_are_counted_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path, PACKAGE)
    document, _ = make(tmp_path, "architecture")
    assert "2 components, in Python" in document
    assert "has an arrow" not in document


def test_an_indented_example_loses_the_indentation_that_all_its_lines_share() -> None:
    assert prose("Run:\n\n    make\n      twice\n") == "Run:\n\n```\nmake\n  twice\n```"
    assert prose("```\n    make\n```") == "```\nmake\n```"
