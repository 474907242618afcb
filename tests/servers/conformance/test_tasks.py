"""The scenarios of the suite about the tasks extension, which belong to no revision.

Left out: `tasks-status-notifications`, which checks nothing yet.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers.conformance.suite import Found, run, together

SCENARIOS = (
    "lifecycle",
    "capability-negotiation",
    "wire-fields",
    "request-state-removal",
    "mrtr-input",
    "request-headers",
    "dispatch-and-envelope",
    "required-task-error",
    "mrtr-composition",
)
AT_ONCE = 3


@pytest.mark.parametrize("way", ["directly", "orchestrated"])
def test_the_suite_finds_nothing_wrong(
    suite: Path, urls: dict[str, str], tmp_path: Path, found: dict[str, Found], way: str
) -> None:
    def look(scenario: str) -> Found:
        return run(suite, urls[way], tmp_path / scenario, "--scenario", f"tasks-{scenario}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = list(pool.map(look, SCENARIOS))
    found[f"tasks, {way}"] = together(each)
    for ran in each:
        assert (ran.failed, ran.warnings, ran.status) == (0, 0, 0), ran.output
        assert ran.passed, ran.output
