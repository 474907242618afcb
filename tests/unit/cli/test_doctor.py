"""`doctor` from the command line, in places where nothing is as it should be."""

import json
from pathlib import Path

from docgenctl.actions.doctor.catalogue import CHECKS
from tests.unit.actions.doctor.sandbox import Patient, an_engine


def test_without_engine_settings_and_state_every_check_is_told(tmp_path: Path) -> None:
    done = Patient(tmp_path).run("--json")
    document = json.loads(done.stdout)
    assert [(each["area"], each["name"]) for each in document["checks"]] == [(c.area, c.name) for c in CHECKS]
    assert all(each["evidence"] for each in document["checks"])
    assert {each["verdict"] for each in document["checks"]} <= {"ok", "warning", "problem", "unknown"}
    assert (document["healthy"], done.returncode) == (False, 5)
    assert "Traceback" not in done.stderr


def test_warnings_alone_end_with_0_and_problems_with_5(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    assert patient.run("surroundings", COMPOSE_FILE="/x").returncode == 0
    assert patient.run("surroundings", HTTP_PROXY="http://").returncode == 5
    assert patient.run("moon").returncode == 2


def test_a_broken_docgen_yaml_hides_nothing_else(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    (patient.workspace / "docgen.yaml").write_text("{{{")
    done = patient.run("project", "surroundings", "machine/memory")
    assert "✘ configuration" in done.stdout
    assert "✔ lock" in done.stdout
    assert "✔ proxy" in done.stdout
    assert done.returncode == 5


def test_repairs_are_asked_for_shown_and_done(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    assert patient.run("machine/disk").returncode == 0
    with an_engine() as host:
        place = patient.state_dir
        place.mkdir(parents=True, mode=0o700)
        (place / "api-key").write_text("k")
        (place / "api-key").chmod(0o644)
        shown = patient.run("project/state", "--fix", "--dry-run", "--json", DOCKER_HOST=host)
        assert json.loads(shown.stdout)["would_repair"] == [f"close {place}/api-key to others"]
        refused = patient.run("project/state", "--fix", "--json", DOCKER_HOST=host)
        assert refused.returncode == 6
        assert json.loads(refused.stdout)["error"]["code"] == "not_confirmed"
        assert (place / "api-key").stat().st_mode & 0o777 == 0o644
        done = patient.run("project/state", "--fix", "--yes", "--json", DOCKER_HOST=host)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["repaired"] == [{"what": f"close {place}/api-key to others", "result": "done"}]
    assert document["checks"][0]["verdict"] == "ok"
    assert (place / "api-key").stat().st_mode & 0o777 == 0o600
