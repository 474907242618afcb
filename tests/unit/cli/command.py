"""The command line in a process of its own, without an engine."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
#: Without these, terminals of whoever runs the tests would decide what is printed.
_UNSET = ("NO_COLOR", "TERM", "COLUMNS", "FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "DOCKER_CONTEXT")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Ours, with a state of its own and an engine that is not there."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return kept | {
        "DOCGENCTL_STATE_DIR": str(folder / "state"),
        "DOCGENCTL_CACHE_DIR": str(folder / "cache"),
        "DOCKER_HOST": f"unix://{folder}/no-engine.sock",
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(REPOSITORY),
        **more,
    }


def docgenctl(
    folder: Path, *argv: str, environ: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it in `folder/workspace`."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "docgenctl", *argv],
        cwd=workspace,
        env=environment(folder, **(environ or {})),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def powerless(
    folder: Path, *argv: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it without the rights that root has over other people's files."""
    before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    (folder / "workspace").mkdir(exist_ok=True)
    return subprocess.run(
        [*before, sys.executable, "-m", "docgenctl", *argv],
        cwd=folder / "workspace",
        env=environment(folder, **(environ or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
