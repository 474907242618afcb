"""Compose on a stack's rendered file, and what the engine says of a stack, in a form that can be compared."""

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from docker import APIClient

from tests.e2e.stack import Stack

#: Compose prints nothing that a test reads within this time.
TIMEOUT_S = 120

_ACCEPTED = Path(__file__).with_name("compose_differences.toml")

#: What belongs to one life of one container: ids, addresses, times, and paths made of them.
_OF_ONE_LIFE = (
    "Id",
    "Created",
    "State/*",
    "RestartCount",
    "ResolvConfPath",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "GraphDriver/*",
    "NetworkSettings/Sandbox*",
    "NetworkSettings/Networks/*/EndpointID",
    "NetworkSettings/Networks/*/NetworkID",
    "NetworkSettings/Networks/*/IPAddress",
    "NetworkSettings/Networks/*/MacAddress",
    "Containers/*",
)
#: Lists whose order says nothing.
_SETS = ("Config/Env", "HostConfig/Mounts", "Mounts", "NetworkSettings/Networks/*/Aliases", "HostConfig/*")

#: A list in a label, which Compose writes in whatever order its map has.
_DEPENDS_ON = "com.docker.compose.depends_on"

Description = dict[str, str]


class Compose:
    """The Compose plugin on a stack's file."""

    def __init__(self, plugin: Path, stack: Stack) -> None:
        self._plugin = plugin
        self._stack = stack

    def run(self, *arguments: str) -> str:
        """Run `compose -f docker-compose.mcp.yml …`; anything but exit code 0 fails the test."""
        file = self._stack.directory / "docker-compose.mcp.yml"
        done = subprocess.run(
            [self._plugin, "--file", file, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            cwd=self._stack.state_dir.parent,
            env={name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")},
        )
        assert done.returncode == 0, f"compose {' '.join(arguments)}: {done.stderr}"
        return done.stdout


def described(api: APIClient, project: str) -> dict[str, dict[str, Description]]:
    """`container` and `network` → name → path in its inspection → value, without what is of one life."""
    mine = {"label": f"com.docker.compose.project={project}"}
    containers = [api.inspect_container(entry["Id"]) for entry in api.containers(all=True, filters=mine)]
    networks = [api.inspect_network(entry["Id"]) for entry in api.networks(filters=mine)]
    return {
        "container": {found["Name"].lstrip("/"): _flat_container(found) for found in containers},
        "network": {found["Name"]: _flat(found) for found in networks},
    }


def differences(ours: Mapping[str, Description], theirs: Mapping[str, Description]) -> dict[str, str]:
    """Path → what both say, for every path on which any thing of that name differs."""
    found: dict[str, str] = {}
    assert ours.keys() == theirs.keys()
    for name in ours:
        for path in ours[name].keys() | theirs[name].keys():
            left, right = ours[name].get(path, "absent"), theirs[name].get(path, "absent")
            if left != right:
                found[path] = f"{name}: {path}: docgenctl {left}, Compose {right}"
    return found


def accepted(kind: str) -> list[str]:
    """Patterns of the paths on which things of that kind may differ; each has to give a reason."""
    entries = tomllib.loads(_ACCEPTED.read_text(encoding="utf-8"))[kind]
    assert all(len(entry["reason"]) > 20 for entry in entries)
    return [entry["path"] for entry in entries]


def _flat_container(found: Mapping[str, Any]) -> Description:
    """A container answers to the beginning of its id as well, and has it as its host name."""
    short_id = found["Id"][:12]
    labels = found["Config"]["Labels"]
    labels[_DEPENDS_ON] = ",".join(sorted(labels.get(_DEPENDS_ON, "").split(",")))
    text = json.dumps({key: value for key, value in found.items() if key != "Id"})
    return _flat(json.loads(text.replace(short_id, "<id>")))


def _flat(value: Mapping[str, Any]) -> Description:
    return {
        path: text
        for path, text in _leaves(value, "")
        if not any(fnmatchcase(path, pattern) for pattern in _OF_ONE_LIFE)
    }


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every leaf by its path; lists are leaves, and what is empty is not there at all."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}/{key}" if path else key)
    elif value not in (None, "", [], False, 0) or isinstance(value, bool | int):
        plain = [_without_empty(item) for item in value] if isinstance(value, list) else value
        if isinstance(plain, list) and any(fnmatchcase(path, pattern) for pattern in _SETS):
            plain = sorted({json.dumps(item, sort_keys=True) for item in plain})
        yield path, json.dumps(plain, sort_keys=True)


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in below.items() if item not in (None, "", [], {})}
