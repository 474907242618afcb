"""Engines that are absent, silent, forbidding, old, full of holes, or somebody else's."""

import os
from pathlib import Path

import pytest

from tests.unit.actions.doctor.sandbox import INFO, VERSION, Patient, an_engine


def test_a_good_engine_passes_every_check(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    with an_engine() as host:
        found = {
            name: patient.look(f"engine/{name}", DOCKER_HOST=host).verdict
            for name in ("answers", "choice", "version", "runc", "rootless", "limits")
        }
    assert set(found.values()) == {"ok"}, found


def test_no_engine_is_a_problem_with_its_code_and_remedy(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("engine/answers")
    assert found.verdict == "problem"
    assert found.fix


def test_no_engine_is_fine_for_who_wants_processes(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    (patient.workspace / "docgen.yaml").write_text("engine: process\n")
    assert patient.look("engine/answers").verdict == "ok"


def test_an_engine_that_accepts_and_never_answers_is_told_in_time(tmp_path: Path) -> None:
    with an_engine(hangs=True) as host:
        found = Patient(tmp_path).look("engine/answers", DOCKER_HOST=host)
    assert found.verdict == "problem"
    assert "no answer within 4 s" in found.evidence


def test_a_socket_that_answers_403_is_a_problem(tmp_path: Path) -> None:
    with an_engine(status=403) as host:
        found = Patient(tmp_path).look("engine/answers", DOCKER_HOST=host)
    assert found.verdict == "problem"
    assert host in found.evidence


def test_an_engine_of_old_is_a_problem(tmp_path: Path) -> None:
    with an_engine(version={"Version": "19.03.5", "ApiVersion": "1.40"}) as host:
        found = Patient(tmp_path).look("engine/answers", DOCKER_HOST=host)
    assert found.verdict == "problem"
    assert "(too_old)" in found.evidence


def test_an_overruled_context_is_told_with_the_precedence(tmp_path: Path) -> None:
    with an_engine() as host:
        found = Patient(tmp_path).look("engine/choice", DOCKER_HOST=host, DOCKER_CONTEXT="elsewhere")
    assert found.verdict == "warning"
    assert "DOCKER_CONTEXT=elsewhere is overruled: DOCKER_HOST wins over DOCKER_CONTEXT" in found.evidence
    assert found.fix == "unset DOCKER_HOST"


def test_a_context_that_is_not_there_is_told(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    del patient.environ["DOCKER_HOST"]
    found = patient.look("engine/choice", DOCKER_CONTEXT="elsewhere")
    assert found.verdict == "unknown"
    assert "no Docker context named elsewhere" in found.evidence


def test_an_engine_of_another_machine_is_a_problem_and_its_plain_wire_a_warning(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    assert patient.look("engine/answers", DOCKER_HOST="tcp://192.0.2.1:2375").verdict == "problem"
    found = patient.look("engine/choice", DOCKER_HOST="tcp://192.0.2.1:2375")
    assert found.verdict == "warning"
    assert "without TLS" in found.evidence


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a socket away takes root")
def test_a_socket_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    with an_engine() as host:
        path = host.removeprefix("unix://")
        os.chown(path, 65534, 65534)
        found = Patient(tmp_path).look("engine/choice", DOCKER_HOST=host)
        assert found.verdict == "warning"
        assert "who sees every key" in found.evidence
        os.chown(path, 0, 0)
        Path(path).parent.chmod(0o777)
        assert "others may replace" in Patient(tmp_path).look("engine/choice", DOCKER_HOST=host).evidence


def test_known_holes_are_told_with_their_ids_and_sources(tmp_path: Path) -> None:
    parts = [{"Name": "Engine", "Version": "24.0.7"}, {"Name": "runc", "Version": "1.1.5+ds1"}]
    with an_engine(version={"Version": "24.0.7", "ApiVersion": "1.43", "Components": parts}) as host:
        engine = Patient(tmp_path).look("engine/version", DOCKER_HOST=host)
        runc = Patient(tmp_path).look("engine/runc", DOCKER_HOST=host)
    assert engine.verdict == runc.verdict == "warning"
    assert any(line.startswith("CVE-2024-29018: ") for line in engine.details)
    assert any("CVE-2024-21626" in line and "GHSA-xr7r-f8xq-vfvv" in line for line in runc.details)
    assert "may have repaired" in runc.evidence
    assert "may have repaired" not in engine.evidence


def test_an_engine_that_hides_its_runc_leaves_it_unknown(tmp_path: Path) -> None:
    with an_engine(version={"Components": []}) as host:
        found = Patient(tmp_path).look("engine/runc", DOCKER_HOST=host)
    assert found.verdict == "unknown"


@pytest.mark.parametrize(
    ("says", "verdict"),
    [("2.40.3", "ok"), ("2.38.0", "warning"), ("2.26.1", "ok"), ("1.29.2", "problem"), ("broken", "unknown")],
)
def test_the_compose_plugin_is_judged_by_its_own_word(tmp_path: Path, says: str, verdict: str) -> None:
    plugins = tmp_path / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    plugin = plugins / "docker-compose"
    plugin.write_text(f"#!/bin/sh\necho {says}\n")
    plugin.chmod(0o755)
    found = Patient(tmp_path).look("engine/compose", DOCKER_CONFIG=str(tmp_path / "docker"))
    assert found.verdict == verdict, found


def test_a_compose_plugin_that_does_not_run_is_told(tmp_path: Path) -> None:
    plugins = tmp_path / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").write_text("#!/nowhere\n")
    (plugins / "docker-compose").chmod(0o755)
    found = Patient(tmp_path).look("engine/compose", DOCKER_CONFIG=str(tmp_path / "docker"))
    assert found.verdict == "warning"


def test_a_rootless_engine_without_limits_is_told(tmp_path: Path) -> None:
    info = {"SecurityOptions": ["name=rootless"], "CgroupVersion": "1", "MemoryLimit": False}
    with an_engine(info=info) as host:
        rootless = Patient(tmp_path).look("engine/rootless", DOCKER_HOST=host)
        limits = Patient(tmp_path).look("engine/limits", DOCKER_HOST=host)
    assert rootless.verdict == limits.verdict == "warning"
    assert "memory" in limits.evidence
    assert VERSION["Version"]
    assert INFO["MemoryLimit"]
