"""How long commands take to start, as whole processes, against `python -c pass` in the same run.

Prints medians in milliseconds and the ratio to the floor. Needs no engine; run it with `make bench`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
FLOOR = [sys.executable, "-c", "pass"]
COMMANDS = {
    "--help": ["--help"],
    "up --help": ["up", "--help"],
    "config validate": ["config", "validate"],
    "status --help": ["status", "--help"],
}


def main() -> None:
    """Interleave the commands, so that a machine that speeds up or slows down treats all alike."""
    times: dict[str, list[float]] = {name: [] for name in ("python -c pass", *COMMANDS)}
    with tempfile.TemporaryDirectory() as place:
        environ = {**os.environ, "DOCGENCTL_STATE_DIR": f"{place}/state"}
        workspace = Path(place, "workspace")
        workspace.mkdir()
        for round_ in range(ROUNDS + 1):
            for name, command in [("python -c pass", FLOOR), *_ours()]:
                began = time.perf_counter()
                subprocess.run(command, cwd=workspace, env=environ, check=True, capture_output=True)
                if round_:  # the first round warms the file cache
                    times[name].append((time.perf_counter() - began) * 1000)
    floor = statistics.median(times["python -c pass"])
    for name, samples in times.items():
        median = statistics.median(samples)
        print(f"{name:<18}{median:8.1f} ms {median / floor:6.1f} x")


def _ours() -> list[tuple[str, list[str]]]:
    return [(name, [sys.executable, "-m", "docgenctl", *rest]) for name, rest in COMMANDS.items()]


if __name__ == "__main__":
    main()
