"""The official TypeScript clients: the one of today in each of its modes, and the one before."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.servers.npm_packages import InstallError, installed, node

PINS = Path(__file__).with_name("typescript")
PROGRAM = PINS / "client.cjs"
#: Name → what the program is told, and the revision that the client then speaks.
CLIENTS: dict[str, tuple[dict[str, str], str]] = {
    "auto": ({"client": "new", "mode": "auto"}, "2026-07-28"),
    "legacy": ({"client": "new", "mode": "legacy"}, "2025-11-25"),
    "default": ({"client": "new"}, "2025-11-25"),
    "sdk 1": ({"client": "old"}, "2025-11-25"),
}


def place() -> Path:
    """Where they are installed. Skips the test where npm cannot be reached, but in CI."""
    try:
        return installed(PINS, "typescript-clients")
    except InstallError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the TypeScript clients cannot be installed: {error}")


def session(client: str, environ: Mapping[str, str], **told: Any) -> dict[str, Any]:
    """What the client of that name saw."""
    folder = place()
    arguments = [node(folder), str(PROGRAM), json.dumps({**CLIENTS[client][0], **told})]
    done = subprocess.run(
        arguments, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
