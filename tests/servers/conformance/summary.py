"""The conformance suite's lines in the summary of the tests, whichever process ran it: a plugin of pytest."""

from dataclasses import asdict
from typing import Any

import pytest

from tests.servers.conformance.suite import Found

FOUND = pytest.StashKey[dict[str, Found]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, tell the one that prints the summary."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        found = session.config.stash.get(FOUND, {})
        told["conformance"] = {way: asdict(row) for way, row in found.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of those processes ended, with what it found."""
    told = getattr(node, "workeroutput", {}).get("conformance", {})
    node.config.stash.setdefault(FOUND, {}).update({way: Found(**row) for way, row in told.items()})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Checks passed and failed, a line for each run of the suite."""
    rows = config.stash.get(FOUND, {})
    if rows:
        terminalreporter.section("MCP conformance suite")
    for way, row in sorted(rows.items()):
        expected = f" ({', '.join(sorted(row.failing))})" if row.failing else ""
        terminalreporter.write_line(f"{way:36} {row.passed:4} passed {row.failed:3} failed{expected}")
