"""Every check of `doctor`, as a table: area, name, what has to be so for it to be ok, and who looks.

docs/doctor.md holds the same table for users; a test compares both. A check never raises for what it looks
for, only for what keeps it from looking, and changes nothing: what may be changed it offers as repairs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docgenctl.actions.doctor import (
    engine_checks,
    github_checks,
    leftover_checks,
    machine_checks,
    network_checks,
    project_checks,
    surroundings_checks,
)
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Outcome
from docgenctl.model.errors import UsageError

#: Longer than an engine is given to answer (4 s), so that its silence is told in its own words.
_WITHIN_S = 8.0
#: Longer than the question to a server of GitHub may take.
_GITHUB_S = 30.0


@dataclass(frozen=True)
class Check:
    """One check; `expects` is the sentence that is true when its verdict is ok. It has `within_s` seconds."""

    area: str
    name: str
    expects: str
    look: Callable[[Scene], Outcome]
    within_s: float = _WITHIN_S


CHECKS = (
    Check(
        "engine",
        "answers",
        "An engine answers at the chosen address within four seconds.",
        engine_checks.answers,
    ),
    Check(
        "engine",
        "choice",
        "Nothing was overruled in choosing it, and its socket is trustworthy.",
        engine_checks.choice,
    ),
    Check(
        "engine",
        "version",
        "The engine is not too old and has no known hole by its number.",
        engine_checks.version,
    ),
    Check(
        "engine",
        "runc",
        "runc, which starts every container, has no known hole by its number.",
        engine_checks.parts,
    ),
    Check(
        "engine",
        "compose",
        "The Compose plugin, if there is one, runs and has no known hole.",
        engine_checks.compose,
    ),
    Check(
        "engine", "rootless", "A rootless engine can hold containers to their limits.", engine_checks.rootless
    ),
    Check("engine", "limits", "Limits on memory, CPUs and processes have an effect.", engine_checks.limits),
    Check(
        "machine",
        "disk",
        "Bytes and inodes are left for state, workspace, cache, temporary files, engine.",
        machine_checks.disk,
    ),
    Check("machine", "memory", "A stack finds the memory it takes.", machine_checks.memory),
    Check("machine", "clock", "The engine's clock agrees with this machine's.", machine_checks.clock),
    Check(
        "network", "names", "localhost is 127.0.0.1, and names outside are resolved.", network_checks.names
    ),
    Check("network", "ports", "Every range has a port that up could take.", network_checks.ports),
    Check(
        "network",
        "subnets",
        "The pools have room, and no network of this stack lies under a route of the host.",
        network_checks.subnets,
    ),
    Check(
        "network",
        "firewall",
        "Ports are published on this machine only; firewalls do not stop others.",
        network_checks.firewall,
    ),
    Check(
        "surroundings",
        "proxy",
        "Proxy variables can be read, agree, and leave this machine out.",
        surroundings_checks.proxy,
    ),
    Check(
        "surroundings",
        "certificates",
        "Certificate files that variables name are there and valid.",
        surroundings_checks.certificates,
    ),
    Check(
        "surroundings",
        "variables",
        "No variable makes docker compose speak of another stack.",
        surroundings_checks.variables,
    ),
    Check(
        "surroundings",
        "programs",
        "The docker program in PATH is one that nobody else put there.",
        surroundings_checks.programs,
    ),
    Check(
        "project",
        "configuration",
        "docgen.yaml, .env and the variables can be used.",
        project_checks.configuration,
    ),
    Check(
        "project",
        "state",
        "The state directory is this user's, writable, and closed to others.",
        project_checks.state,
    ),
    Check(
        "project",
        "record",
        "What is remembered can be read, and is not from the future.",
        project_checks.record,
    ),
    Check(
        "project",
        "workspace",
        "main can read the workspace and write its output folder.",
        project_checks.workspace,
    ),
    Check(
        "project",
        "lock",
        "No command that died left its name in the lock, and none holds it for long.",
        project_checks.lock,
    ),
    Check("project", "files", "No half-written files of commands that were killed.", project_checks.files),
    Check(
        "project",
        "keys",
        "No key made for clients has ended, or ends within a week.",
        project_checks.keys,
    ),
    Check(
        "github",
        "settings",
        "What may be read and changed at GitHub agrees, and the running server has it so.",
        github_checks.settings,
        _GITHUB_S,
    ),
    Check(
        "github",
        "token",
        "There is a token, GitHub takes it, and it does not end within 14 days.",
        github_checks.token,
        _GITHUB_S,
    ),
    Check(
        "github",
        "reach",
        "GitHub answers, through the egress proxy.",
        github_checks.reach,
        _GITHUB_S,
    ),
    Check("github", "rate", "A tenth of GitHub's requests or more are left.", github_checks.rate, _GITHUB_S),
    Check(
        "github",
        "rights",
        "The token lacks no scope or permission that tools switched on need.",
        github_checks.rights,
        _GITHUB_S,
    ),
    Check(
        "github",
        "repositories",
        "Every repository that is named, and was asked for, is there for the token.",
        github_checks.repositories,
        _GITHUB_S,
    ),
    Check(
        "leftovers",
        "orphans",
        "Nothing in the engine is of a project whose directory is gone.",
        leftover_checks.orphans,
    ),
    Check(
        "leftovers",
        "images",
        "No old stages of builds, no old images of ours that nothing runs.",
        leftover_checks.images,
    ),
)

AREAS = tuple(dict.fromkeys(check.area for check in CHECKS))


def chosen_checks(words: Iterable[str]) -> tuple[Check, ...]:
    """The checks of these areas (`network`) or names (`network/ports`); all without words.

    Raises UsageError for a word that is neither.
    """
    wanted = tuple(words)
    known = {*AREAS, *(f"{check.area}/{check.name}" for check in CHECKS)}
    if unknown := [word for word in wanted if word not in known]:
        raise UsageError(
            f"there is no check or area {', '.join(unknown)}",
            hint=f"areas: {', '.join(AREAS)}; or one check, such as network/ports",
        )
    return tuple(
        check
        for check in CHECKS
        if not wanted or check.area in wanted or f"{check.area}/{check.name}" in wanted
    )
