"""`docs/documents.md` against the kinds that the server has."""

import re
from pathlib import Path

from docgen_main.documents import KINDS

ROW = re.compile(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
PAGE = Path(__file__).parents[2] / "docs" / "documents.md"


def test_every_kind_is_documented_with_what_it_asks_and_requires() -> None:
    rows = {kind: re.findall(r"(\*\*)?`(\w+)`", asked) for kind, asked in ROW.findall(PAGE.read_text())}
    documented = {kind: [(name, bool(bold)) for bold, name in asked] for kind, asked in rows.items()}
    assert documented == {
        name: [(asked.name, asked.required) for asked in kind.questions] for name, kind in KINDS.items()
    }
