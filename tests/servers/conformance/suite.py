"""Runs the MCP conformance suite, by others, and reads what it found."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.npm_packages import node

PROGRAM = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
MOST_S = 120


@dataclass(frozen=True)
class Found:
    """How a run ended: checks by their status, the scenarios with failures, and what was printed."""

    passed: int
    failed: int
    warnings: int
    failing: frozenset[str]
    status: int
    output: str


def run(suite: Path, url: str, out: Path, *asked: str) -> Found:
    """Ask the suite at ``suite`` to look at the server at ``url``; its results go to ``out``."""
    ran = subprocess.run(
        [node(suite), str(suite / PROGRAM), "server", "--url", url, "-o", str(out), *asked],
        cwd=suite,
        env={"PATH": os.environ["PATH"], "HOME": str(out), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
    )
    checks = [(scenario(path), check) for path in out.rglob("checks.json") for check in read(path)]
    return Found(
        passed=count(checks, "SUCCESS"),
        failed=count(checks, "FAILURE"),
        warnings=count(checks, "WARNING"),
        failing=frozenset(name for name, check in checks if check["status"] == "FAILURE"),
        status=ran.returncode,
        output=told(checks) + ran.stdout[-3000:] + ran.stderr[-2000:],
    )


Checks = Sequence[tuple[str, dict[str, object]]]


def read(path: Path) -> list[dict[str, object]]:
    """The checks of one scenario."""
    checks: list[dict[str, object]] = json.loads(path.read_text())
    return checks


def scenario(path: Path) -> str:
    """Which one: its folder is called ``server-<scenario>-<time>``."""
    match = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", path.parent.name)
    assert match, path
    return match[1]


def count(checks: Checks, status: str) -> int:
    """How many ended so."""
    return sum(check["status"] == status for _, check in checks)


def told(checks: Checks) -> str:
    """What is wrong, for whoever reads the test's failure."""
    wrong = [(name, check) for name, check in checks if check["status"] in ("FAILURE", "WARNING")]
    return "".join(
        f"{check['status']} {name} {check['id']}: {check.get('errorMessage')}\n" for name, check in wrong
    )


def together(runs: Sequence[Found]) -> Found:
    """Several runs as one."""
    return Found(
        passed=sum(one.passed for one in runs),
        failed=sum(one.failed for one in runs),
        warnings=sum(one.warnings for one in runs),
        failing=frozenset().union(*(one.failing for one in runs)),
        status=max(one.status for one in runs),
        output="".join(one.output for one in runs),
    )
