"""Volumes on the real engine: who may read what, and that no reader ever finds `current` missing."""

import json
from dataclasses import replace

import pytest

from docgenctl.engine import volumes
from docgenctl.engine.client import create
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.engine.volume_archive import Parcel, pack
from docgenctl.model.secret import Secret
from docgenctl.model.stack import LABEL_ROLE, Stack, Volume, VolumeContent, VolumeMount, VolumePurpose
from tests.contract.laboratory import Laboratory

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

#: Reads the version through the link until the file `enough` appears; prints reads and failures.
READER = (
    "sh",
    "-c",
    "reads=0; failed=0; while [ ! -e /tmp/enough ]; do"
    " read -r line < /v/current/version || failed=$((failed+1)); reads=$((reads+1));"
    " done; echo reads $reads failed $failed; exec sleep 3600",
)


def _mounted(laboratory: Laboratory, purpose: VolumePurpose, **more: object) -> tuple[Stack, Volume]:
    project = laboratory.project("volume")
    volume = laboratory.volume(project, purpose)
    mounts = (VolumeMount(volume=volume.key, target="/v", read_only=purpose is not VolumePurpose.DATA),)
    service = laboratory.service(project, volumes=mounts, **more)
    return laboratory.stack(project, service, volumes=(volume,)), volume


def _content(volume: Volume, version: str, /, **files: bytes | Secret) -> VolumeContent:
    return VolumeContent(volume=volume.key, version=version * 64, files=files)


def _run(laboratory: Laboratory, stack: Stack) -> str:
    return laboratory.run(stack.services[0], stack)


def _shell(laboratory: Laboratory, container_id: str, script: str, user: str = "") -> str:
    result = laboratory.engine.execute(container_id, ("sh", "-c", script), user=user)
    return result.output.strip()


def test_secrets_are_readable_by_their_owner_alone(docker_laboratory: Laboratory) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.SECRETS)
    files = {"key": Secret("canary"), "deep/er": b"open"}
    docker_laboratory.engine.fill_volume(_content(volume, "a", **files), volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    listing = _shell(
        docker_laboratory,
        container_id,
        "stat -c '%a %u:%g %F' /v /v/current /v/current/ /v/current/key /v/current/deep /v/current/deep/er",
    )
    assert listing.splitlines() == [
        "500 10001:10001 directory",
        "777 10001:10001 symbolic link",
        "500 10001:10001 directory",
        "400 10001:10001 regular file",
        "500 10001:10001 directory",
        "444 10001:10001 regular file",
    ]
    assert _shell(docker_laboratory, container_id, "cat /v/current/key") == "canary"
    assert "Permission denied" in _shell(docker_laboratory, container_id, "cat /v/current/key", "10002:10002")
    # not even root without capabilities, and nobody may write
    assert "Permission denied" in _shell(docker_laboratory, container_id, "cat /v/current/key", "0:0")
    assert "Read-only" in _shell(docker_laboratory, container_id, "echo x > /v/current/key")


def test_configuration_is_readable_by_all(docker_laboratory: Laboratory) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.CONFIG)
    content = _content(volume, "a", file=b"text")
    docker_laboratory.engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    assert _shell(docker_laboratory, container_id, "cat /v/current/file", "10002:10002") == "text"
    modes = _shell(docker_laboratory, container_id, "stat -c %a /v /v/current/ /v/current/file")
    assert modes.split() == ["555", "555", "444"]


@pytest.mark.parametrize("purpose", [VolumePurpose.DATA, VolumePurpose.SCRATCH])
def test_data_belongs_to_its_owner_and_is_kept(docker_laboratory: Laboratory, purpose: VolumePurpose) -> None:
    project = docker_laboratory.project("data")
    volume = docker_laboratory.volume(project, purpose)
    mounts = (VolumeMount(volume=volume.key, target="/v", read_only=False),)
    service = docker_laboratory.service(project, volumes=mounts)
    stack = docker_laboratory.stack(project, service, volumes=(volume,))
    content = VolumeContent(volume=volume.key, version="", files={})
    docker_laboratory.engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = docker_laboratory.run(service, stack)
    script = "stat -c '%a %u:%g' /v; echo kept > /v/file"
    assert _shell(docker_laboratory, container_id, script) == "700 10001:10001"
    docker_laboratory.engine.fill_volume(content, volume, docker_laboratory.image)
    assert _shell(docker_laboratory, container_id, "ls /v; cat /v/file") == "file\nkept"


def test_a_switch_is_never_seen_by_a_reader(docker_laboratory: Laboratory) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.CONFIG, command=READER)
    engine, image = docker_laboratory.engine, docker_laboratory.image
    engine.fill_volume(_content(volume, "0", version=b"0\n"), volume, image)
    container_id = _run(docker_laboratory, stack)
    for version in "12345":
        engine.fill_volume(_content(volume, version, version=f"{version}\n".encode()), volume, image)
        assert _shell(docker_laboratory, container_id, "cat /v/current/version") == version
    _shell(docker_laboratory, container_id, "touch /tmp/enough")
    lines = engine.logs(docker_laboratory.seen(container_id), tail=None, follow=True)
    _, reads, _, failed = next(line.text for line in lines if line.text.startswith("reads")).split()
    assert int(reads) > 3000
    assert int(failed) == 0


def test_only_this_and_the_previous_version_are_kept(docker_laboratory: Laboratory) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.SECRETS)
    for version in "1233":
        content = _content(volume, version, key=Secret(version))
        docker_laboratory.engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    listing = _shell(docker_laboratory, container_id, "ls -A /v; readlink /v/current; stat -c %a /v")
    assert listing.split() == ["current", f"v-{'2' * 16}", f"v-{'3' * 16}", f"v-{'3' * 16}", "500"]


def test_going_back_to_the_previous_version_works(docker_laboratory: Laboratory) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.CONFIG)
    for version in "121":
        content = _content(volume, version, file=version.encode())
        docker_laboratory.engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    assert _shell(docker_laboratory, container_id, "cat /v/current/file") == "1"


def test_a_secret_is_in_no_inspection_and_no_helper_stays(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    canary = "canary-8f1c2d"
    stack, volume = _mounted(docker_laboratory, VolumePurpose.SECRETS)
    seen = []
    with engine.events(stack.project):
        for version in "12":
            content = _content(volume, version, key=Secret(canary))
            engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    api = engine._api
    seen.append(json.dumps(api.inspect_container(container_id)))
    seen.append(json.dumps(api.inspect_volume(volume.name)))
    seen.append(json.dumps(api.inspect_image(docker_laboratory.image)))
    assert not any(canary in text for text in seen)
    assert api.containers(all=True, filters={"volume": volume.name, "label": f"{LABEL_ROLE}=helper"}) == []


def test_a_helper_left_by_a_killed_command_is_in_nobodys_way(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.CONFIG)
    body = volumes._resting(docker_laboratory.image, [volume])
    create(engine._api, body, f"docgenctl-fill-{volume.name}")
    engine.fill_volume(_content(volume, "1", file=b"1"), volume, docker_laboratory.image)
    assert engine.observe(stack.project).containers == ()

    create(engine._api, body, f"docgenctl-fill-{volume.name}")
    engine.remove_volume(volume.name)
    assert engine.observe(stack.project).volumes == ()


def test_a_fill_that_broke_off_is_repaired_by_the_next(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    stack, volume = _mounted(docker_laboratory, VolumePurpose.CONFIG)
    content = _content(volume, "1", file=b"whole")
    torn = _content(volume, "1", file=b"half", stray=b"")
    with volumes._helper(
        engine._api, [volume], volumes._resting(docker_laboratory.image, [volume])
    ) as helper:
        parcel = Parcel(torn, volume, volumes.mount_of(0), link=False)
        engine._api.put_archive(helper, "/", pack([parcel]))
    engine.fill_volume(content, volume, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    assert _shell(docker_laboratory, container_id, "cat /v/current/file") == "whole"


def test_volumes_that_are_filled_together_each_get_their_own(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    project = docker_laboratory.project("volume")
    config = docker_laboratory.volume(project, VolumePurpose.CONFIG)
    secrets = replace(docker_laboratory.volume(project, VolumePurpose.SECRETS), key="s", name=f"{project}_s")
    data = replace(docker_laboratory.volume(project, VolumePurpose.DATA), key="d", name=f"{project}_d")
    mounts = tuple(
        VolumeMount(volume=v.key, target=f"/{n}", read_only=v is not data)
        for n, v in enumerate((config, secrets, data))
    )
    service = docker_laboratory.service(project, volumes=mounts)
    stack = docker_laboratory.stack(project, service, volumes=(config, secrets, data))
    nothing = VolumeContent(volume=data.key, version="", files={})
    first = [
        (_content(config, "1", file=b"config 1"), config),
        (_content(secrets, "1", file=Secret("secret 1")), secrets),
        (nothing, data),
    ]
    engine.fill_volumes(first, docker_laboratory.image)
    second = [(_content(config, "1", file=b"config 1"), config), (_content(secrets, "2", file=b"2"), secrets)]
    engine.fill_volumes(second, docker_laboratory.image)
    container_id = _run(docker_laboratory, stack)
    seen = _shell(docker_laboratory, container_id, "cat /0/current/file /1/current/file")
    assert seen == "config 12"
    listed = _shell(docker_laboratory, container_id, "find /0 /1 /2 -mindepth 1 -maxdepth 1")
    old, new = f"v-{'1' * 16}", f"v-{'2' * 16}"
    assert set(listed.split()) == {f"/0/{old}", "/0/current", f"/1/{old}", f"/1/{new}", "/1/current"}
    on_it = {"volume": config.name, "label": f"{LABEL_ROLE}=helper"}
    assert engine._api.containers(all=True, filters=on_it) == []
