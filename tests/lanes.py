"""All tests in two processes side by side: those that use the engine, and the others.

    python -m tests.lanes [arguments of pytest]

Tests of the engine mostly wait for containers, and look at a machine's ports and at each other: they stay in
one process, in their order. The others need processors. What the former print is shown as it comes, what the
latter print when they are through. Ctrl-C and SIGTERM are passed on once, so that both tidy up.

As a plugin of pytest (`--lane engine`, `--lane others`) this chooses the tests of one of them.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import pytest

LANES = ("engine", "others")
HERE = Path(__file__).parent
#: Tests of these folders start whole stacks, on whatever engine.
STACKS = (HERE / "contract", HERE / "e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """One of the two, where not all tests are wanted."""
    parser.addoption("--lane", choices=LANES, help="only tests that use the engine, or only the others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the other lane."""
    lane = config.getoption("lane")
    if lane is not None:
        config.hook.pytest_deselected(items=[item for item in items if lane_of(item) != lane])
        items[:] = [item for item in items if lane_of(item) == lane]


def lane_of(item: pytest.Item) -> str:
    """Where a test belongs."""
    stacks = item.get_closest_marker("engine") or any(map(item.path.is_relative_to, STACKS))
    return LANES[0] if stacks else LANES[1]


@dataclass
class Lane:
    """One of the two processes; `printed` is where its output goes, None for the terminal."""

    name: str
    arguments: Sequence[str]
    printed: IO[bytes] | None = None

    def __post_init__(self) -> None:
        # A session of its own: Ctrl-C at the terminal would reach it twice otherwise.
        command = [sys.executable, "-m", "pytest", "--lane", self.name, *self.arguments]
        self.process = subprocess.Popen(
            command, stdout=self.printed, stderr=self.printed, start_new_session=True
        )

    def ended(self) -> str:
        """Wait for it; how it ended, in words."""
        return f"lane {self.name}: exit code {self.process.wait()}"


def main(arguments: Sequence[str]) -> int:
    """Run both. Returns 0 when all passed, 5 when there is no such test, else the code of one that failed."""
    with tempfile.TemporaryFile() as kept:
        lanes = [Lane(LANES[0], arguments), Lane(LANES[1], arguments, kept)]

        def pass_on(number: int, _: FrameType | None) -> None:
            signal.signal(number, signal.SIG_IGN)
            for lane in lanes:
                if lane.process.poll() is None:
                    lane.process.send_signal(signal.SIGINT)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, pass_on)
        words = [lane.ended() for lane in lanes]
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
    sys.stdout.write("\n".join(words) + "\n")
    codes = {lane.process.returncode for lane in lanes}
    failed = codes - {0, pytest.ExitCode.NO_TESTS_COLLECTED}
    return max(failed) if failed else min(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
