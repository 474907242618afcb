"""The two processes that `make test` runs: whether both are asked, and what becomes of how they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lanes import HERE

TESTS = """
import os, pathlib, time
import pytest

@pytest.fixture
def tidy():
    place = pathlib.Path(os.environ["PLACE"])
    yield place
    (place / f"tidied-{os.getpid()}").touch()

def check(name, place):
    (place / f"begun-{name}").touch()
    end = time.monotonic() + 60 if "wait" in os.environ["HOW"] else 0
    while time.monotonic() < end:
        time.sleep(0.05)
    print(f"{name} was here")
    assert f"{name} fails" not in os.environ["HOW"]

@pytest.mark.engine
def test_of_the_engine(tidy):
    check("engine", tidy)

def test_of_something_else(tidy):
    check("others", tidy)
"""


def lanes(folder: Path, how: str, *arguments: str) -> subprocess.Popen[str]:
    (folder / "test_two.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = engine\n")
    command = [sys.executable, "-m", "tests.lanes", "-p", "tests.lanes", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, "-c", str(folder / "pytest.ini"), *arguments, str(folder)],
        cwd=HERE.parent,
        env={**os.environ, "HOW": how, "PLACE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("how", "code"), [("", 0), ("engine fails", 1), ("others fails", 1), ("engine fails, others fails", 1)]
)
def test_what_fails_in_either_fails_all_and_is_printed(tmp_path: Path, how: str, code: int) -> None:
    ran = lanes(tmp_path, how)
    printed, _ = ran.communicate(timeout=60)
    assert ran.returncode == code, printed
    assert {path.name for path in tmp_path.glob("begun-*")} == {"begun-engine", "begun-others"}
    for name in ("engine", "others"):
        assert (f"{name} was here" in printed) == (f"{name} fails" in how), printed
        assert f"lane {name}: exit code {int(f'{name} fails' in how)}" in printed


@pytest.mark.parametrize(("wanted", "code"), [("engine", 0), ("else", 0), ("nowhere", 5)])
def test_a_lane_without_a_test_is_no_failure_unless_both_are(tmp_path: Path, wanted: str, code: int) -> None:
    ran = lanes(tmp_path, "", "-k", wanted)
    printed, _ = ran.communicate(timeout=60)
    assert ran.returncode == code, printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_interrupted_tidies_up_in_both(tmp_path: Path, number: signal.Signals) -> None:
    ran = lanes(tmp_path, "wait")
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("begun-*"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    ran.send_signal(number)
    printed, _ = ran.communicate(timeout=60)
    assert ran.returncode == pytest.ExitCode.INTERRUPTED, printed
    assert len(list(tmp_path.glob("tidied-*"))) == 2, printed
