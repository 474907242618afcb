"""Broken settings, open and unreadable state, lost folders, dead owners of locks, half-written files."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from docgenctl.model.client_key import ClientKey
from docgenctl.secrets.client_keys import ClientKeyFile
from docgenctl.state.directory import state_directory
from docgenctl.state.lock import project_lock
from docgenctl.state.store import StateStore
from tests.unit.actions.doctor.sandbox import Patient


def began(patient: Patient) -> Path:
    """The patient's state directory, as the first command leaves it."""
    place = state_directory(patient.scene().project(), patient.environ)
    store = StateStore(place)
    store.write(store.read().model_copy(update={"directory": str(patient.workspace)}))
    return place


def repaired(patient: Patient, check: str) -> str:
    """Do what the check offers; the verdict afterwards."""
    offered = patient.look(check).repairs
    assert offered
    for repair in offered:
        repair.run()
    return patient.look(check).verdict


def test_an_untouched_project_has_nothing_wrong_and_gets_no_state_directory(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    for check in ("configuration", "state", "record", "workspace", "lock", "files"):
        assert patient.look(f"project/{check}").verdict == "ok", check
    assert not (tmp_path / "state").exists()
    assert list(patient.workspace.iterdir()) == []


def test_mistakes_of_docgen_yaml_are_told_with_their_lines(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    (patient.workspace / "docgen.yaml").write_text("log_level: loud\nservers:\n  main:\n    port: 0\n")
    found = patient.look("project/configuration")
    assert found.verdict == "problem"
    assert [line.split(":")[1] for line in found.details] == ["1", "4"]
    # what does not need the settings is looked at all the same
    assert patient.look("project/state").verdict == "ok"
    assert patient.look("network/ports").verdict == "unknown"


def test_an_open_state_directory_is_closed_by_repair(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    place = began(patient)
    place.chmod(0o755)
    (place / "state.json").chmod(0o644)
    found = patient.look("project/state")
    assert found.verdict == "problem"
    assert "open to others" in found.evidence
    assert repaired(patient, "project/state") == "ok"
    assert (place.stat().st_mode & 0o777, (place / "state.json").stat().st_mode & 0o777) == (0o700, 0o600)


def test_files_of_a_stack_of_processes_keep_their_modes_in_their_closed_folder(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    folder = began(patient) / "processes"
    folder.mkdir(mode=0o700)
    (folder / "server.json").touch(mode=0o444)
    assert patient.look("project/state").verdict == "ok"
    folder.chmod(0o755)
    assert patient.look("project/state").verdict == "problem"


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
def test_state_of_somebody_else_is_a_problem_that_is_not_repaired_by_itself(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    os.chown(began(patient) / "state.json", 65534, 65534)
    found = patient.look("project/state")
    assert found.verdict == "problem"
    assert "belong to somebody else" in found.evidence
    assert found.repairs == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_a_state_directory_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    began(patient)
    for place in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        place.chmod(place.stat().st_mode | 0o055)
    done = patient.run(
        "project",
        inside=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    )
    assert "✘ state" in done.stdout, done.stdout + done.stderr
    assert "✔ configuration" in done.stdout
    assert "✔ workspace" in done.stdout
    assert done.returncode == 5


def test_a_damaged_record_is_a_problem(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    place = began(patient)
    (place / "state.json").write_text("{")
    assert patient.look("project/record").verdict == "problem"


def test_a_record_from_the_future_tells_of_a_clock_that_went_back(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    later = time.time() + 3600
    os.utime(began(patient) / "state.json", (later, later))
    found = patient.look("project/record")
    assert found.verdict == "warning"
    assert "clock went back" in found.evidence


def test_a_workspace_that_main_cannot_read_is_a_problem(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    patient.workspace.chmod(0o700 if os.geteuid() == 0 else 0o300)
    found = patient.look("project/workspace")
    patient.workspace.chmod(0o755)
    assert found.verdict == "problem"
    assert "cannot read" in found.evidence


def test_a_lost_output_folder_is_made_again(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    began(patient)
    assert patient.look("project/workspace").verdict == "warning"
    assert repaired(patient, "project/workspace") == "ok"
    (patient.workspace / "docs" / "generated").rmdir()
    (patient.workspace / "docs" / "generated").symlink_to("/")
    assert patient.look("project/workspace").verdict == "problem"


@pytest.mark.skipif(os.geteuid() != 0, reason="giving folders away takes root")
def test_an_output_folder_of_somebody_else_is_given_to_main(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    began(patient)
    (patient.workspace / "docs" / "generated").mkdir(parents=True)
    assert patient.look("project/workspace").verdict == "problem"
    assert repaired(patient, "project/workspace") == "ok"


def test_a_lock_is_told_while_it_is_held_and_after_its_owner_was_killed(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    place = began(patient)
    with project_lock(place, "docgenctl up"):
        held = patient.look("project/lock")
        assert held.verdict == "ok"
        assert f"`docgenctl up` (process {os.getpid()}" in held.evidence
        long_ago = time.time() - 7200
        os.utime(place / "lock", (long_ago, long_ago))
        assert patient.look("project/lock").verdict == "warning"
    assert patient.look("project/lock").verdict == "ok"

    hold = (
        "import sys, time\nfrom pathlib import Path\nfrom docgenctl.state.lock import project_lock\n"
        "with project_lock(Path(sys.argv[1]), 'docgenctl deploy'):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        owner.kill()
        owner.wait()
    found = patient.look("project/lock")
    assert found.verdict == "warning"
    assert "died" in found.evidence
    assert repaired(patient, "project/lock") == "ok"


def test_half_written_files_are_removed_once_they_are_old(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    place = began(patient)
    left = [place / ".state.json.new", patient.workspace / ".docker-compose.mcp.yml.docgenctl-new"]
    for path in left:
        path.write_text("half")
        path.chmod(0o600)
    assert patient.look("project/files").verdict == "ok"  # somebody may be writing them right now
    for path in left:
        os.utime(path, (time.time() - 600,) * 2)
    assert patient.look("project/files").verdict == "warning"
    assert repaired(patient, "project/files") == "ok"
    assert not any(path.exists() for path in left)


def test_keys_that_ended_or_end_soon_are_told_and_revoked_ones_not(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    assert patient.look("project/keys").evidence == "no keys were made for clients"
    assert not (tmp_path / "state").exists()
    file = ClientKeyFile(began(patient))
    made = [("old", -1), ("soon", 6), ("late", 30), ("gone", -2), ("ever", None)]
    for name, days in made:
        ends = None if days is None else f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        file.add(ClientKey(name=name, sha256="0" * 64, created="2026-11-01T00:00:00Z", expires=ends))
    file.revoke("gone", "2026-11-02T00:00:00Z")
    found = patient.look("project/keys")
    assert found.verdict == "warning"
    assert found.evidence.startswith("old has ended: ")
    assert found.evidence.endswith("; and 1 more")
    assert [line.partition(":")[0] for line in found.details] == ["soon ends soon"]
    assert found.fix.startswith("docgenctl keys revoke old; ")
    file.revoke("old", "2026-11-02T00:00:00Z")
    assert patient.look("project/keys").fix == "docgenctl keys create makes another, under another name"
    file.revoke("soon", "2026-11-02T00:00:00Z")
    assert patient.look("project/keys").evidence == "2 made for clients, none of which ends within 7 days"
