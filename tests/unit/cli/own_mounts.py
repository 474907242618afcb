"""Commands under file systems of their own: small, full or read-only ones that nobody else sees."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.unit.cli.command import environment


@cache
def _unshare() -> list[str] | None:
    ways = [["unshare", "-m"]] if os.geteuid() == 0 else [["unshare", "-rm"]]
    for way in ways:
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return None


def docgenctl_under(
    folder: Path,
    prepare: str,
    *argv: str,
    environ: Mapping[str, str] | None = None,
    user: tuple[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `prepare` in a shell with private mounts, then docgenctl in `folder/workspace`; $0 is `folder`.

    `user` is uid and gid to run as, kept able to read the checkout wherever that lies.
    """
    way = _unshare()
    if way is None:
        pytest.skip("this machine gives nobody mounts of their own")
    (folder / "workspace").mkdir(exist_ok=True)
    become = []
    if user:
        become = ["setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"]
        become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    script = f'set -e; {prepare}; cd "$0/workspace"; exec "$@"'
    return subprocess.run(
        [*way, "sh", "-c", script, str(folder), *become, sys.executable, "-m", "docgenctl", *argv],
        cwd=folder,
        env=environment(folder, **(environ or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
