"""The MCP conformance suite on our application with its own tools: directly, and through the orchestrator."""

from pathlib import Path

import pytest

from tests.servers.conformance.suite import Found, run

BASELINE = Path(__file__).parent / "baseline-2025-11-25.yml"
SESSIONS_BASELINE = Path(__file__).parent / "baseline-sessions-2025-11-25.yml"
STATELESS = ["directly", "orchestrated"]


@pytest.mark.parametrize("way", STATELESS)
def test_on_the_newest_revision_nothing_fails(
    suite: Path, urls: dict[str, str], tmp_path: Path, found: dict[str, Found], way: str
) -> None:
    ran = run(suite, urls[way], tmp_path, "--suite", "all", "--spec-version", "2026-07-28")
    found[f"2026-07-28, {way}"] = ran
    assert (ran.failed, ran.warnings, ran.status) == (0, 0, 0), ran.output
    assert ran.passed >= 150, ran.output


@pytest.mark.parametrize("way", STATELESS)
def test_on_the_one_before_only_what_needs_sessions_fails(
    suite: Path, urls: dict[str, str], tmp_path: Path, found: dict[str, Found], way: str
) -> None:
    asked = ("--suite", "all", "--spec-version", "2025-11-25", "--expected-failures", str(BASELINE))
    ran = run(suite, urls[way], tmp_path, *asked)
    found[f"2025-11-25, {way}"] = ran
    assert ran.status == 0, ran.output
    assert ran.passed >= 60, ran.output


@pytest.mark.parametrize("way", ["directly, in sessions", "orchestrated, in sessions"])
def test_in_sessions_nothing_fails_on_either(
    suite: Path, urls: dict[str, str], tmp_path: Path, found: dict[str, Found], way: str
) -> None:
    newest = run(suite, urls[way], tmp_path / "newest", "--suite", "all", "--spec-version", "2026-07-28")
    found[f"2026-07-28, {way}"] = newest
    assert (newest.failed, newest.warnings, newest.status) == (0, 0, 0), newest.output
    asked = ("--suite", "all", "--spec-version", "2025-11-25", "--expected-failures", str(SESSIONS_BASELINE))
    ran = run(suite, urls[way], tmp_path / "older", *asked)
    found[f"2025-11-25, {way}"] = ran
    assert (ran.failed, ran.status) == (0, 0), ran.output
    assert ran.passed >= 80, ran.output


@pytest.mark.parametrize("way", ["directly, in sessions", "orchestrated, in sessions"])
def test_in_sessions_nothing_fails_on_the_one_before_that(
    suite: Path, urls: dict[str, str], tmp_path: Path, found: dict[str, Found], way: str
) -> None:
    ran = run(suite, urls[way], tmp_path, "--suite", "all", "--spec-version", "2025-06-18")
    found[f"2025-06-18, {way}"] = ran
    assert (ran.failed, ran.warnings, ran.status) == (0, 0, 0), ran.output
    assert ran.passed >= 50, ran.output


@pytest.mark.parametrize("baseline", [BASELINE, SESSIONS_BASELINE])
def test_each_expected_failure_has_a_reason(baseline: Path) -> None:
    entries = [line for line in baseline.read_text().splitlines() if line.strip().startswith("- ")]
    assert entries
    assert all(" # " in entry for entry in entries)
