"""Runs the stand-in for language model vendors that others wrote, as badly behaved as wanted."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.npm_packages import installed, node

HERE = Path(__file__).parent / "aimock"


def installed_stand_in() -> Path:
    """The folder with Node and the stand-in."""
    return installed(HERE, "aimock")


@contextmanager
def standing_in(place: Path, *chaos: str) -> Iterator[str]:
    """Its base URL; it answers every section with one sentence, or as `chaos` says."""
    process = subprocess.Popen(
        [
            node(place),
            str(place / "node_modules/@copilotkit/aimock/dist/cli.js"),
            *("-p", "0", "-f", str(HERE / "fixtures.json"), "--strict", "--validate-on-load", *chaos),
        ],
        cwd=place,
        env={"PATH": os.environ["PATH"], "HOME": str(place), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(r"listening on (http://\S+)", line):
                found.put(match[1])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield found.get(timeout=30)
    finally:
        process.kill()
        process.wait(10)
        reader.join(5)
