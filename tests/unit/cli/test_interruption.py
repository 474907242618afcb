"""Commands that are told to end, in a process of their own: what they end with and what they say."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.cli.command import environment

#: A command that says when it runs, and then works until it is told to end; $1 is what it does then.
PROGRAM = """
import os, sys, time
from docgenctl.cli import tree

def work(arguments, **_):
    try:
        print("working", file=sys.stderr, flush=True)
        time.sleep(60)
    finally:
        if HOW == "slowly":
            print("cleaning", file=sys.stderr, flush=True)
            time.sleep(60)
        if HOW == "badly":
            raise OSError(5, "the terminal is gone")

HOW = sys.argv.pop(1)
tree.root = work
from docgenctl.__main__ import main
main()
"""


@contextmanager
def working(folder: Path, *argv: str, how: str = "well") -> Iterator["subprocess.Popen[str]"]:
    """The command, at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how, *argv],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "working\n"
        yield process
    finally:
        process.kill()
        process.communicate()


SIGNALS = [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "terminated"),
    (signal.SIGHUP, 129, "hung_up"),
]


@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
def test_each_signal_ends_a_command_with_its_code_and_one_sentence(
    tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    with working(tmp_path, "up") as command:
        command.send_signal(number)
        out, err = command.communicate(timeout=20)
    assert (command.returncode, out) == (code, "")
    assert err == (
        "Interrupted: what was done so far stays. To go on or back: docgenctl up, or docgenctl down.\n"
    )


@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
def test_programs_get_a_document(tmp_path: Path, number: signal.Signals, code: int, word: str) -> None:
    with working(tmp_path, "down", "--json") as command:
        command.send_signal(number)
        out, _ = command.communicate(timeout=20)
    assert command.returncode == code
    error = json.loads(out)["error"]
    assert (error["code"], error["exit_code"], error["hint"]) == (word, code, "docgenctl down")


def test_a_command_that_changes_nothing_ends_without_a_word(tmp_path: Path) -> None:
    with working(tmp_path, "health", "--watch") as command:
        command.send_signal(signal.SIGINT)
        assert command.communicate(timeout=20) == ("", "")
    assert command.returncode == 130


def test_whoever_asks_twice_does_not_wait(tmp_path: Path) -> None:
    with working(tmp_path, "up", how="slowly") as command:
        assert command.stderr is not None
        command.send_signal(signal.SIGINT)
        assert command.stderr.readline() == "cleaning\n"
        command.send_signal(signal.SIGINT)  # the same keystroke, passed on by a parent
        time.sleep(0.7)
        assert command.poll() is None
        command.send_signal(signal.SIGINT)
        assert command.wait(timeout=10) == 130


def test_what_fails_after_the_signal_is_not_told_as_a_bug(tmp_path: Path) -> None:
    with working(tmp_path, "up", how="badly") as command:
        command.send_signal(signal.SIGTERM)
        _, err = command.communicate(timeout=20)
    assert command.returncode == 143
    assert "bug" not in err
    assert "Traceback" not in err


def test_a_command_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with working(tmp_path, "up") as command:
            command.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                command.wait(timeout=0.5)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_closes_ends_the_command_it_ran(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM, "well", "up"], environment(tmp_path))
    said = b""
    while b"working" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)  # the kernel hangs up, and nothing can be said any more
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
