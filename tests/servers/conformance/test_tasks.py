"""The MCP conformance suite, by others, on our tasks extension: directly, and through the orchestrator.

Left out: `tasks-required-task-error`, which needs a tool that cannot be called without tasks (we have none),
and `tasks-status-notifications`, which checks nothing yet.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_common.settings import ServerSettings
from docgen_orchestrator.application import build as build_orchestrator

from tests.servers.conformance.tools_for_tasks import build
from tests.servers.github.serving import served
from tests.servers.npm_packages import InstallError, installed, node

SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
SCENARIOS = (
    "lifecycle",
    "capability-negotiation",
    "wire-fields",
    "request-state-removal",
    "mrtr-input",
    "request-headers",
    "dispatch-and-envelope",
    "mrtr-composition",
)


def settings(name: str, folder: Path) -> ServerSettings:
    """A server on loopback that needs no key, as the suite has none."""
    folder.mkdir(exist_ok=True)
    return ServerSettings.from_environment(
        {"DOCGEN_SERVER": name, "DOCGEN_SECRETS_DIR": str(folder), "DOCGEN_CONFIG_DIR": str(folder)}
    )


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    folder = tmp_path_factory.mktemp("conformance")
    with served(build(settings("tools", folder / "tools"))) as direct:
        own = settings("orchestrator", folder / "orchestrator")
        entry = {"url": f"http://127.0.0.1:{direct}/mcp"}
        routing = {"version": 1, "servers": {"tools": entry}}
        (folder / "orchestrator/routing.yaml").write_text(json.dumps(routing))
        with served(build_orchestrator(own)) as relayed:
            yield {"directly": direct, "orchestrated": relayed}


@pytest.fixture(scope="module")
def suite() -> Path:
    try:
        return installed(Path(__file__).parent, "conformance")
    except InstallError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the conformance suite cannot be installed: {error}")


@pytest.mark.soak
@pytest.mark.parametrize("way", ["directly", "orchestrated"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_suite_finds_nothing_wrong(
    suite: Path, ports: dict[str, int], tmp_path: Path, way: str, scenario: str
) -> None:
    url = f"http://127.0.0.1:{ports[way]}/mcp"
    asked = ["server", "--url", url, "--scenario", f"tasks-{scenario}", "-o", str(tmp_path)]
    ran = subprocess.run(
        [node(suite), str(suite / SUITE), *asked],
        cwd=suite,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (found,) = tmp_path.rglob("checks.json")
    checks = json.loads(found.read_text())
    wrong = [check for check in checks if check["status"] not in ("SUCCESS", "INFO", "SKIPPED")]
    assert not wrong, json.dumps(wrong, indent=1)
    assert any(check["status"] == "SUCCESS" for check in checks)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
