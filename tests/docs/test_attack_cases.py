"""docs/attack-cases.md against the tests that it names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/attack-cases.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", TEXT)))
CASES = [
    *range(46, 48),
    *range(49, 57),
    58,
    59,
    61,
    *range(64, 70),
    71,
    73,
    74,
    76,
    77,
    *range(79, 82),
    84,
    85,
    88,
    89,
]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_named_test_exists(file: str, name: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"def {name}\(", source)


def test_every_case_is_there() -> None:
    assert [case for case in CASES if not re.search(rf"\b[Cc]ase {case}\b", TEXT)] == []


def test_every_test_that_says_its_case_is_named_or_has_a_neighbour_that_is() -> None:
    said = {
        (str(path.relative_to(ROOT)), int(case))
        for path in (ROOT / "tests").rglob("test_*.py")
        for case in re.findall(r"def test_\w+_case_(\d+)\(", path.read_text(encoding="utf-8"))
    }
    rows = {
        int(row.split("|")[1].split()[1]): row for row in TEXT.splitlines() if re.match(r"\| case \d", row)
    }
    assert said
    assert {one for one in said if one[0] not in rows.get(one[1], "")} == set()
