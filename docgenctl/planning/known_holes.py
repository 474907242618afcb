"""Versions with known holes that concern a stack of ours; a table, and how it is read.

A hole is listed when it can be met by what docgenctl does: running containers of untrusted input, building
with the classic builder, closed networks, ports on 127.0.0.1, the Compose plugin. Each row has its advisory.
Distributions repair old versions without renaming them, so a match is a reason to look, not a proof.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Version = tuple[int, ...]

#: component → oldest version that is tested, and what older ones lack
FLOORS: Mapping[str, tuple[Version, str]] = {
    "engine": ((20, 10), "API 1.41"),
    "compose": ((2, 0), "Compose v2"),
}


@dataclass(frozen=True, kw_only=True)
class Hole:
    """One known hole of a component (`engine`, `runc`, `compose`).

    `fixed` holds the first repaired version of each line that got one, ascending; a line (`25.0`) is its
    first two numbers. Versions from the last of them on are repaired, older lines without an entry are not.
    `since` is the first version that has it. `firewalld` tells that only hosts with firewalld are concerned.
    """

    id: str
    component: str
    what: str
    fixed: tuple[Version, ...]
    source: str
    since: Version = (0,)
    firewalld: bool = False


HOLES = (
    Hole(
        id="CVE-2024-21626",
        component="runc",
        what="a container can get out through a leaked descriptor",
        fixed=((1, 1, 12),),
        source="GHSA-xr7r-f8xq-vfvv",
    ),
    Hole(
        id="CVE-2025-31133",
        component="runc",
        what="a container can get out by replacing /dev/null while paths are masked",
        fixed=((1, 2, 8), (1, 3, 3)),
        source="GHSA-9493-h29p-rfm2",
    ),
    Hole(
        id="CVE-2025-52565",
        component="runc",
        what="a container can get out by racing the mount of /dev/console",
        fixed=((1, 2, 8), (1, 3, 3)),
        source="GHSA-qw9x-cqr3-wc7r",
    ),
    Hole(
        id="CVE-2025-52881",
        component="runc",
        what="a container can get out by redirecting writes to /proc",
        fixed=((1, 2, 8), (1, 3, 3)),
        source="GHSA-cgrx-mc8f-2prm",
    ),
    Hole(
        id="CVE-2024-24557",
        component="engine",
        what="the classic builder's cache can be poisoned by a crafted image",
        fixed=((24, 0, 9), (25, 0, 2)),
        source="GHSA-xw73-rw38-6vjc",
    ),
    Hole(
        id="CVE-2024-29018",
        component="engine",
        what="names looked up in a closed network can leak outside where the host's resolver is on loopback",
        fixed=((23, 0, 11), (25, 0, 5), (26, 0, 0)),
        source="GHSA-mq39-4gv4-mvpx",
    ),
    Hole(
        id="moby#45610",
        component="engine",
        what="ports published on 127.0.0.1 can be reached from hosts of the same network segment",
        fixed=((28, 0, 0),),
        source="https://github.com/moby/moby/issues/45610",
    ),
    Hole(
        id="CVE-2025-54410",
        component="engine",
        what="reloading firewalld removes what keeps bridge networks apart",
        fixed=((25, 0, 13), (28, 0, 0)),
        source="GHSA-4vq8-7jfc-9cvp",
        firewalld=True,
    ),
    Hole(
        id="CVE-2025-54388",
        component="engine",
        what="reloading firewalld opens ports published on 127.0.0.1 to the local network",
        fixed=((28, 3, 3),),
        source="GHSA-x4rx-4gw3-53p4",
        since=(28, 2, 0),
        firewalld=True,
    ),
    Hole(
        id="CVE-2025-62725",
        component="compose",
        what="a remote Compose artifact can overwrite files, even through `docker compose ps`",
        fixed=((2, 40, 2),),
        source="GHSA-gv8h-7v7w-r22q",
        since=(2, 34, 0),
    ),
)


def parse_version(text: str) -> Version:
    """The leading numbers of a version (`20.10.24+dfsg1`, `v2.26.1`), empty when there are none."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def known_holes(component: str, version: str, *, firewalld: bool = False) -> tuple[Hole, ...]:
    """The holes that a component of this version has by its number, in the table's order.

    An unreadable version has none that could be told. `firewalld`: whether the host runs it.
    """
    number = parse_version(version)
    if not number:
        return ()
    return tuple(
        hole
        for hole in HOLES
        if hole.component == component and (firewalld or not hole.firewalld) and _has(hole, number)
    )


def too_old(component: str, version: str) -> bool:
    """Whether it is older than what is tested; False for an unreadable version."""
    number = parse_version(version)
    return bool(number) and number < FLOORS[component][0]


def _has(hole: Hole, number: Version) -> bool:
    if number < hole.since or number >= hole.fixed[-1]:
        return False
    return not any(number[:2] == fixed[:2] and number >= fixed for fixed in hole.fixed)
