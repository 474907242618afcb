"""The fixture, directly and behind the orchestrator, each as a process of its own."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.conformance.suite import Found
from tests.servers.npm_packages import InstallError, installed
from tests.servers.orchestrator.conftest import REPOSITORY, Process

ROOMS = ("common", "orchestrator")
FOUND = pytest.StashKey[dict[str, Found]]()


class Served:
    """Processes without keys, which only a server on loopback may be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, name: str, module: str, **options: object) -> Process:
        process = Process(name, self.folder / f"{len(self.processes)}-{name}", ["-m", module])
        config = process.folder / "config"
        servers = {"tools": {"url": self.processes[0].url}} if self.processes else {}
        (config / "routing.yaml").write_text(json.dumps({"version": 1, "servers": servers}))
        (config / "server.json").write_text(json.dumps({"options": options}))
        room = [str(REPOSITORY / "server_images" / name / "src") for name in ROOMS]
        self.processes.append(process)
        process.start(PYTHONPATH=os.pathsep.join([str(REPOSITORY), *room]))
        return process

    def close(self) -> None:
        for process in self.processes:
            if process.process is not None and process.process.poll() is None:
                process.stop()


@pytest.fixture(scope="session")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the suite looks, by the way that it takes."""
    served = Served(tmp_path_factory.mktemp("conformance"))
    try:
        direct = served.start("tools", "tests.servers.conformance.fixture")
        orchestrated = served.start("orchestrator", "docgen_orchestrator")
        keeping = served.start("tools", "tests.servers.conformance.fixture", legacy_sessions=True)
        both = served.start("orchestrator", "docgen_orchestrator", legacy_sessions=True)
        yield {
            "directly": direct.url,
            "orchestrated": orchestrated.url,
            "directly, in sessions": keeping.url,
            "orchestrated, in sessions": both.url,
        }
    finally:
        served.close()


@pytest.fixture(scope="session")
def suite() -> Path:
    try:
        return installed(Path(__file__).parent, "conformance")
    except InstallError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the conformance suite cannot be installed: {error}")


@pytest.fixture
def found(request: pytest.FixtureRequest) -> dict[str, Found]:
    """What was found so far, for the summary."""
    return request.config.stash.setdefault(FOUND, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Checks passed and failed, a line for each run of the suite."""
    rows = config.stash.get(FOUND, {})
    if rows:
        terminalreporter.section("MCP conformance suite")
    for way, row in sorted(rows.items()):
        expected = f" ({', '.join(sorted(row.failing))})" if row.failing else ""
        terminalreporter.write_line(f"{way:36} {row.passed:4} passed {row.failed:3} failed{expected}")
