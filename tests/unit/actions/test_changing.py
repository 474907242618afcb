"""The lock and the history around every changing command."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docgenctl.actions.changing import changing, changing_state
from docgenctl.actions.down import take_down
from docgenctl.actions.read_history import read_history
from docgenctl.model.errors import LockedError, PortTakenError
from docgenctl.state.lock import lock_owner
from tests.unit.actions.conftest import OpenWith
from tests.unit.actions.stage import Stage
from tests.unit.state.test_lock import _ENVIRONMENT

_WORKER = """
import sys
from pathlib import Path
from docgenctl.actions.changing import changing_state
with changing_state(Path(sys.argv[1]), "docgenctl up"):
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_while_it_runs_the_lock_says_so_and_the_history_too(open_with: OpenWith) -> None:
    opened = open_with()
    with changing(opened, "docgenctl up"):
        owner = lock_owner(opened.state_dir)
        assert owner is not None
        assert owner.command == "docgenctl up"
        assert [entry.result for entry in read_history(opened, limit=9)] == ["running"]
    assert lock_owner(opened.state_dir) is None
    assert [entry.result for entry in read_history(opened, limit=9)] == ["done"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (PortTakenError("taken", host_port=1), ("failed", 4, "port_taken")),
        (KeyboardInterrupt(), ("interrupted", 130, "interrupted")),
        (KeyboardInterrupt("SIGTERM"), ("interrupted", 143, "interrupted")),
        (ZeroDivisionError(), ("failed", 1, "bug")),
    ],
)
def test_every_way_of_ending_is_written_down(
    open_with: OpenWith, end: BaseException, expected: tuple[str, int, str]
) -> None:
    opened = open_with()
    with pytest.raises(type(end)), changing(opened, "docgenctl up"):
        raise end
    (entry,) = read_history(opened, limit=9)
    assert (entry.result, entry.exit_code, entry.error_code) == expected


def test_the_end_of_a_killed_command_is_unknown_and_its_lock_is_free(open_with: OpenWith) -> None:
    opened = open_with()
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, opened.state_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"inside\n"
        with pytest.raises(LockedError), changing(opened, "docgenctl down"):
            pass
        worker.send_signal(signal.SIGKILL)
    with changing(opened, "docgenctl down"):
        pass
    assert [entry.result for entry in read_history(opened, limit=9)] == ["unknown", "done"]


def test_who_was_refused_by_the_lock_is_not_in_the_history(open_with: OpenWith) -> None:
    opened = open_with()
    with changing(opened, "docgenctl up"), pytest.raises(LockedError), changing(opened, "docgenctl down"):
        pass
    assert [entry.command for entry in read_history(opened, limit=9)] == ["docgenctl up"]


def test_a_command_that_had_nothing_to_do_says_unchanged(stage: Stage) -> None:
    take_down(stage.opened, stage.engine, stage.listener, with_data=False)
    assert [entry.result for entry in read_history(stage.opened, limit=9)] == ["unchanged"]


def test_the_newest_are_shown_and_the_newest_last(tmp_path: Path, open_with: OpenWith) -> None:
    opened = open_with()
    for number in range(5):
        with changing_state(opened.state_dir, f"docgenctl {number}"):
            pass
    assert [entry.command for entry in read_history(opened, limit=2)] == ["docgenctl 3", "docgenctl 4"]


def test_no_secret_of_the_project_is_in_its_history(stage: Stage) -> None:
    stage.decide_and_do()
    with changing(stage.opened, "docgenctl up"):
        pass
    key = (stage.opened.state_dir / "api-key").read_text().strip()
    lines = (stage.opened.state_dir / "history.jsonl").read_text()
    assert [json.loads(line) for line in lines.splitlines()]
    assert key not in lines
