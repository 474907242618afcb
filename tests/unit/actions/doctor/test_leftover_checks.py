"""What is an orphan and what is not, by an engine that holds what the test says."""

import time
from pathlib import Path
from typing import Any

from docgenctl.state.directory import state_base
from docgenctl.state.store import StateStore
from tests.unit.actions.doctor.sandbox import Patient, an_engine

OLD = "2024-01-01T00:00:00.123456789Z"


def labels(project: str, directory: object = "", role: str = "") -> dict[str, str]:
    told = {"com.docker.compose.project": project, "dev.docgenctl.project-id": f"{project}-id"}
    told |= {"com.docker.compose.project.working_dir": str(directory)} if directory else {}
    return told | ({"dev.docgenctl.role": role} if role else {})


def container(name: str, project: str, directory: object, network: str = "") -> dict[str, Any]:
    networks = {network: {}} if network else {}
    return {
        "Id": name,
        "Names": [f"/{name}"],
        "State": "running",
        "Labels": labels(project, directory),
        "ImageID": "sha256:used",
        "NetworkSettings": {"Networks": networks},
    }


def network(name: str, project: str, created: str = OLD) -> dict[str, Any]:
    return {"Id": name, "Name": name, "Created": created, "Labels": labels(project)}


def volume(name: str, project: str, role: str) -> dict[str, Any]:
    return {"Name": name, "CreatedAt": OLD, "Labels": labels(project, role=role)}


def offered(patient: Patient, **answers: list[dict[str, Any]]) -> set[str]:
    told: dict[str, Any] = {
        "/containers/json": answers.get("containers", []),
        "/networks": answers.get("networks", []),
        "/volumes": {"Volumes": answers.get("volumes", [])},
    }
    with an_engine(answers=told) as host:
        found = patient.look("leftovers/orphans", DOCKER_HOST=host)
    assert found.verdict == ("warning" if found.repairs else "ok"), found
    return {" ".join(repair.what.split()[1:3]) for repair in found.repairs}


def test_everything_but_data_of_a_project_whose_directory_is_gone_is_an_orphan(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert offered(
        Patient(tmp_path),
        containers=[
            container("app-main-1", "app", gone, "app_net"),
            container("app2-main-1", "app2", tmp_path),
        ],
        networks=[network("app_net", "app"), network("app2_net", "app2")],
        volumes=[
            volume("app_secrets", "app", "secrets"),
            volume("app_data", "app", "data"),
            volume("app2_secrets", "app2", "secrets"),
        ],
    ) == {"container app-main-1", "network app_net", "volume app_secrets"}


def test_what_docgenctl_did_not_make_is_never_touched(tmp_path: Path) -> None:
    foreign = container("web-1", "web", tmp_path / "gone")
    del foreign["Labels"]["dev.docgenctl.project-id"]
    theirs = network("web_net", "web")
    del theirs["Labels"]["dev.docgenctl.project-id"]
    assert offered(Patient(tmp_path), containers=[foreign], networks=[theirs]) == set()


def test_a_network_of_a_run_that_was_cut_off_is_one_after_an_hour(tmp_path: Path) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    networks = [network("cut_old", "cut"), network("cut_new", "cut", now)]
    assert offered(Patient(tmp_path), networks=networks) == {"network cut_old"}


def test_a_network_that_somebody_joined_stays(tmp_path: Path) -> None:
    guest = container("guest", "guest", tmp_path, "cut_old")
    del guest["Labels"]["dev.docgenctl.project-id"]
    assert offered(Patient(tmp_path), containers=[guest], networks=[network("cut_old", "cut")]) == set()


def test_a_stack_that_is_down_keeps_the_volumes_that_compose_needs(tmp_path: Path) -> None:
    assert offered(Patient(tmp_path), volumes=[volume("app_secrets", "app", "secrets")]) == set()


def test_a_state_file_proves_that_a_directory_is_gone(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    base = state_base(patient.environ)
    for name, directory in (("app-id", tmp_path / "gone"), ("app2-id", tmp_path)):
        (base / name).mkdir(mode=0o700, parents=True)
        store = StateStore(base / name)
        store.write(store.read().model_copy(update={"directory": str(directory)}))
    volumes = [volume("app_scratch", "app", "scratch"), volume("app2_scratch", "app2", "scratch")]
    assert offered(patient, volumes=volumes) == {"volume app_scratch"}


def image(name: str, created: float, tags: list[str], label: str) -> dict[str, Any]:
    return {
        "Id": f"sha256:{name:0<64}",
        "RepoTags": tags,
        "Created": int(created),
        "Size": 1_000_000,
        "Labels": {label: "build"},
    }


def test_old_stages_and_images_that_nothing_runs_are_offered_new_ones_are_kept(tmp_path: Path) -> None:
    now, day = time.time(), 86_400
    stage = "dev.docgenctl.stage"
    told = {"/images/json": [
        image("aa", now - day, [], stage),
        image("bb", now - 8 * day, [], stage),
        image("cc", now - 40 * day, ["docgenctl/main:old"], stage),
        image("dd", now - day, ["docgenctl/main:new"], stage),
    ]}  # fmt: skip
    with an_engine(answers=told) as host:
        found = Patient(tmp_path).look("leftovers/images", DOCKER_HOST=host)
    assert found.verdict == "warning"
    assert [repair.what for repair in found.repairs] == [
        "remove image docgenctl/main:old",
        f"remove stage bb{'0' * 10} of a build more than a week ago",
    ]


def test_without_an_engine_leftovers_are_unknown_with_the_reason(tmp_path: Path) -> None:
    for check in ("leftovers/orphans", "leftovers/images"):
        found = Patient(tmp_path).look(check)
        assert found.verdict == "unknown"
        assert found.evidence.startswith("not looked at: ")
