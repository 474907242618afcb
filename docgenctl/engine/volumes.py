"""Files into a volume, without anybody ever reading half of them.

Theory of operation. A volume holds one directory per version of its content, `v-<first 16 of the version>`,
and a link `current` to one of them. Readers go through the link. Files get into a volume through the
engine's archive call on a helper container that is created but never started: the tar's headers carry owner
and modes, no process runs, no value passes an argument or the environment. One helper mounts all volumes that
are filled together, since making and removing it is most of the work. The link is the last entry of each
volume, so a call that breaks off leaves a volume without `current`, to be filled again.

That call replaces a file by removing and creating it, so it must not touch a link that exists. There, it
only adds the new version's directory; then a second helper, which is started, renames a fresh link over
`current` (one system call) and removes versions other than the new and the previous one. That helper runs as
the volume's owner without any capability or network on a read-only root: the owner may change its own
directories' modes, which is all that is needed.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docgenctl.engine.client import answers, create, gone_is_fine
from docgenctl.engine.failures import AnswerError, from_answer
from docgenctl.engine.volume_archive import MOUNTS, Parcel, pack, version_directory
from docgenctl.model.errors import EngineError
from docgenctl.model.stack import LABEL_ROLE, Volume, VolumeContent

if TYPE_CHECKING:
    from docker import APIClient

#: The role that helper containers are labelled with, so that a leftover can be found.
HELPER = "helper"

_STAT_HEADER = "X-Docker-Container-Path-Stat"
_SWITCH_TIMEOUT_S = 30
_REMOVAL_PATIENCE_S = 15.0

#: $1 new version, $2 previous version; the root directory is made writable for its owner meanwhile.
_SWITCH = """
cd "$0"
chmod u+w .
rm -f .current.next
ln -s "$1" .current.next
mv -T .current.next current
for version in v-*; do
  case "$version" in "$1"|"$2") ;; *) chmod -R u+w "$version"; rm -rf "$version";; esac
done
chmod u-w .
"""


def fill(api: APIClient, fills: Sequence[tuple[VolumeContent, Volume]], image: str) -> None:
    """Set the volumes' owners and, where there are files, point `current` at this version of them."""
    for volume, wanted, previous in _bring(api, fills, image):
        _switch(api, volume, image, wanted, previous)


def stage(api: APIClient, content: VolumeContent, volume: Volume, image: str) -> str:
    """Put a version of files beside the current one; the name of its directory."""
    _bring(api, [(content, volume)], image)
    return version_directory(content.version)


def _bring(
    api: APIClient, fills: Sequence[tuple[VolumeContent, Volume]], image: str
) -> list[tuple[Volume, str, str]]:
    """Put the files where they are missing; returns whose `current` names another version, and which."""
    helper_made = _helper(api, [volume for _, volume in fills], _resting(image, [v for _, v in fills]))
    switches = []
    with helper_made as helper:
        parcels = []
        for number, (content, volume) in enumerate(fills):
            wanted, mount = version_directory(content.version), mount_of(number)
            current = _current(api, helper, mount) if content.files else ""
            if not content.files or current != wanted:
                parcels.append(Parcel(content, volume, mount, link=bool(content.files) and not current))
            if current and current != wanted:
                switches.append((volume, wanted, current))
        if parcels:
            with answers(f"fill volume {', '.join(parcel.volume.name for parcel in parcels)}"):
                api.put_archive(helper, "/", pack(parcels))
    return switches


def _current(api: APIClient, helper: str, mount: str) -> str:
    """The version directory that `current` names, empty when there is no such link.

    Asked for by HEAD (5 ms), which the SDK has no method for: its GET makes the engine pack the link (70 ms).
    """
    action = "read a volume's current version"
    url = f"{api.base_url}/v{api.api_version}/containers/{helper}/archive"
    with answers(action):
        response = api.head(url, params={"path": f"{mount}/current"}, timeout=api.timeout)
    if response.status_code == 404:
        return ""
    if response.status_code != 200:
        raise from_answer(action, response.status_code, response.reason)
    stat = json.loads(base64.b64decode(response.headers[_STAT_HEADER]))
    return str(stat.get("linkTarget") or "").rpartition("/")[2]


def _switch(api: APIClient, volume: Volume, image: str, wanted: str, previous: str) -> None:
    helper_made = _helper(api, [volume], _switching(image, volume, wanted, previous))
    with helper_made as helper, answers(f"switch volume {volume.name}"):
        api.start(helper)
        ended = api.wait(helper, timeout=_SWITCH_TIMEOUT_S)
        if ended["StatusCode"] == 0:
            return
        output = api.logs(helper, stdout=True, stderr=True).decode(errors="replace")
    raise EngineError(
        f"volume {volume.name} could not be switched to its new content",
        hint=f"docker volume rm {volume.name}",
        details=output.splitlines()[-10:],
    )


def mount_of(number: int) -> str:
    """Where a helper has the volume of that number, counted from 0."""
    return f"{MOUNTS}/{number}"


def _resting(image: str, volumes: Sequence[Volume]) -> dict[str, Any]:
    """A helper that only lends its file system to the archive call."""
    return {
        "Image": image,
        "Cmd": ["never-started"],
        "Labels": {LABEL_ROLE: HELPER},
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": volume.name,
                    "Target": mount_of(number),
                    "VolumeOptions": {"NoCopy": True},
                }
                for number, volume in enumerate(volumes)
            ],
        },
    }


def _switching(image: str, volume: Volume, wanted: str, previous: str) -> dict[str, Any]:
    body = _resting(image, [volume])
    body |= {
        "User": volume.owner,
        "Entrypoint": ["/bin/sh", "-euc", _SWITCH, mount_of(0), wanted, previous],
        "Cmd": [],
        "WorkingDir": "/",
        "Healthcheck": {"Test": ["NONE"]},
    }
    body["HostConfig"] |= {
        "ReadonlyRootfs": True,
        "Memory": 64 * 1024**2,
        "PidsLimit": 32,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "65536"}},
    }
    return body


@contextmanager
def _helper(api: APIClient, volumes: Sequence[Volume], body: dict[str, Any]) -> Iterator[str]:
    """A helper's id; it is gone afterwards, and so is one that an interrupted command left behind."""
    name = f"docgenctl-fill-{volumes[0].name}"
    try:
        helper = create(api, body, name)
    except AnswerError as error:
        if error.status != 409:
            raise
        remove_helpers(api, volumes[0].name)
        helper = create(api, body, name)
    try:
        yield helper
    finally:
        _remove(api, helper, f"remove the helper of volume {volumes[0].name}")


def remove_helpers(api: APIClient, volume_name: str) -> int:
    """Remove leftover helpers of a volume; how many there were."""
    on_it = {"volume": volume_name, "label": f"{LABEL_ROLE}={HELPER}"}
    with answers(f"look for helpers of volume {volume_name}"):
        leftovers = api.containers(all=True, filters=on_it)
    for leftover in leftovers:
        _remove(api, leftover["Id"], f"remove a helper of volume {volume_name}")
    return len(leftovers)


def _remove(api: APIClient, helper: str, action: str) -> None:
    """Remove a helper; waits for a removal that is under way, for another volume or by a killed command."""
    deadline = time.monotonic() + _REMOVAL_PATIENCE_S
    while True:
        try:
            with gone_is_fine(), answers(action):
                api.remove_container(helper, force=True)
        except AnswerError as error:
            under_way = error.status == 409 and "in progress" in error.explanation
            if not under_way or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
