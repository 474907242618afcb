"""The metrics in docs/operations.md against those that there are."""

import re
from pathlib import Path

from .documents import read, section

MADE = re.compile(r'"(docgen_(?:http|tool|raw)_\w+)"')
IMAGES = Path(__file__).parents[2] / "server_images"


def test_the_metrics_are_those_that_the_code_makes() -> None:
    told = set(re.findall(r"\| `(docgen_\w+)` \|", section(read("operations.md"), "## Metrics")))
    made = {
        name
        for path in IMAGES.glob("*/src/**/*.py")
        for name in re.findall(
            r'"(docgen_(?:http|tool|raw|rate|model|limits)\w*)"', path.read_text(encoding="utf-8")
        )
    }
    assert {name.removesuffix("_total") for name in told} == made
