"""Full disks, no inodes, no memory, wrong clocks: made with mounts in a namespace of the command's own."""

from pathlib import Path

import pytest

from tests.unit.actions.doctor.sandbox import Patient, an_engine, can_mount

mounting = pytest.mark.skipif(not can_mount(), reason="takes root and mount namespaces")


@mounting
@pytest.mark.parametrize(
    ("options", "lacks"),
    [("size=8m", "MiB left"), ("size=600m,nr_inodes=40", "inodes left"), ("size=100m", "MiB left")],
)
def test_too_little_room_where_the_state_lies_is_told(tmp_path: Path, options: str, lacks: str) -> None:
    patient = Patient(tmp_path)
    (tmp_path / "state").mkdir()
    mount = f"mount -t tmpfs -o {options} tmpfs {tmp_path}/state"
    found = patient.in_a_mount_namespace(mount, "machine/disk")["machine/disk"]
    assert found["verdict"] == ("warning" if "100m" in options else "problem")
    assert f"state at {tmp_path}/state has" in found["evidence"]
    assert lacks in found["evidence"]


def test_room_everywhere_is_ok_and_told_place_by_place(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("machine/disk")
    assert {line.split(":")[0] for line in found.details} == {
        "state",
        "workspace",
        "cache",
        "temporary files",
    }


@mounting
@pytest.mark.parametrize(("available_kb", "verdict"), [(100_000, "problem"), (None, "unknown")])
def test_little_memory_is_told(tmp_path: Path, available_kb: int | None, verdict: str) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(
        f"MemTotal: 1 kB\nMemAvailable: {available_kb} kB\n" if available_kb else "MemTotal: 1 kB\n"
    )
    patient = Patient(tmp_path)
    found = patient.in_a_mount_namespace(f"mount --bind {meminfo} /proc/meminfo", "machine/memory")
    assert found["machine/memory"]["verdict"] == verdict


@pytest.mark.parametrize(
    ("ahead_s", "verdict"), [(0, "ok"), (60, "warning"), (-60, "warning"), (7200, "problem")]
)
def test_an_engine_whose_clock_differs_is_told(tmp_path: Path, ahead_s: float, verdict: str) -> None:
    with an_engine(ahead_s=ahead_s) as host:
        found = Patient(tmp_path).look("machine/clock", DOCKER_HOST=host)
    assert found.verdict == verdict, found
    if ahead_s:
        assert f"by {abs(ahead_s):.0f}." in found.evidence or f"by {abs(ahead_s) - 0.1:.1f}" in found.evidence


def test_an_engine_that_does_not_tell_its_time_leaves_it_unknown(tmp_path: Path) -> None:
    with an_engine(info={"SystemTime": ""}) as host:
        assert Patient(tmp_path).look("machine/clock", DOCKER_HOST=host).verdict == "unknown"


def test_without_an_engine_the_clock_is_unknown_with_the_reason(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("machine/clock")
    assert found.verdict == "unknown"
    assert found.evidence.startswith("not looked at: ")
