"""Checks cannot hide or delay each other."""

import threading
import time
from pathlib import Path

import pytest

from docgenctl.actions.doctor.catalogue import AREAS, CHECKS, Check, chosen_checks
from docgenctl.actions.doctor.run_checks import run_checks
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Outcome, ok
from docgenctl.model.errors import RefusedError, UsageError
from tests.unit.actions.doctor.sandbox import Patient, an_engine


def check(name: str, look) -> Check:
    return Check("test", name, "It is so.", look)


def test_one_that_hangs_and_one_that_fails_hide_no_other(tmp_path: Path) -> None:
    never = threading.Event()

    def hangs(_: Scene) -> Outcome:
        never.wait(60)
        return ok("late")

    def refuses(_: Scene) -> Outcome:
        raise RefusedError("not for you", hint="ask")

    def breaks(_: Scene) -> Outcome:
        raise ValueError("oops")

    checks = [check("a", hangs), check("b", refuses), check("c", breaks), check("d", lambda _: ok("fine"))]
    found = run_checks(Patient(tmp_path).scene(), checks, timeout_s=0.2)
    never.set()
    assert [finding.name for finding in found] == ["a", "b", "c", "d"]
    assert [finding.outcome.verdict for finding in found] == ["unknown", "unknown", "unknown", "ok"]
    assert found[0].outcome.evidence == "no answer within 0 s"
    assert found[1].outcome.evidence == "not looked at: not for you"
    assert "bug: ValueError: oops" in found[2].outcome.evidence


def test_an_engine_that_hangs_in_the_middle_leaves_the_rest_told(tmp_path: Path) -> None:
    """It answers who it is, and is silent when asked what it holds."""
    released = threading.Event()

    class Slow(list):
        def __iter__(self):
            released.wait(30)
            return super().__iter__()

    with an_engine(answers={"/containers/json": Slow([1])}) as host:
        begun = time.monotonic()
        checks = chosen_checks(["engine/answers", "leftovers/orphans", "project/lock"])
        found = run_checks(Patient(tmp_path).scene(DOCKER_HOST=host), checks, timeout_s=1)
        assert time.monotonic() - begun < 10
        released.set()
    assert {f"{f.area}/{f.name}": f.outcome.verdict for f in found} == {
        "engine/answers": "ok",
        "project/lock": "ok",
        "leftovers/orphans": "unknown",
    }


def test_every_check_has_a_place_of_its_own_in_the_table() -> None:
    names = [f"{each.area}/{each.name}" for each in CHECKS]
    assert len(set(names)) == len(names)
    assert all(each.expects.endswith(".") for each in CHECKS)
    assert [each.area for each in CHECKS] == sorted((each.area for each in CHECKS), key=AREAS.index)


def test_every_check_has_tests_that_name_it() -> None:
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*_checks.py"))
    missing = [f"{each.area}/{each.name}" for each in CHECKS if f'"{each.area}/{each.name}"' not in here]
    assert missing == []


def test_areas_and_single_checks_are_chosen_by_name() -> None:
    assert {each.area for each in chosen_checks(["network"])} == {"network"}
    assert [each.name for each in chosen_checks(["project/lock"])] == ["lock"]
    assert chosen_checks([]) == CHECKS
    with pytest.raises(UsageError, match="no check or area moon"):
        chosen_checks(["moon"])
