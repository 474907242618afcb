"""Hashed requirements files: what is pinned, and which bytes are allowed to be it.

Only the form that `uv pip compile --generate-hashes` writes is read (pip's requirements file format, one
`name==version` with `--hash=sha256:` options on continued lines); anything else is refused, because a
requirement that slips through unhashed is code that nobody chose.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from docgenctl.model.errors import BuildError

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One pinned distribution; `name` is normalized (PEP 503), `hashes` are hex sha256 of allowed files."""

    name: str
    version: str
    hashes: frozenset[str]


def parse_requirements(text: str, source: str) -> tuple[Requirement, ...]:
    """All requirements of a hashed requirements file. Raises BuildError naming `source` and the line."""
    found = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        statement = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not statement:
            continue
        match = _PINNED.match(statement)
        hashes = frozenset(_HASH.findall(statement))
        if match is None or not hashes:
            raise BuildError(
                f"{source}: {statement.split()[0]} is not pinned with hashes",
                hint="make lock",
                code="wheels_failed",
            )
        found.append(Requirement(normalize(match["name"]), match["version"], hashes))
    return tuple(found)


def normalize(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def mismatch(requirements: tuple[Requirement, ...], directory: Path) -> str:
    """Why the wheels in a directory are not exactly the required ones; empty when they are.

    Every requirement has one wheel, with one of its hashes, and nothing else lies there.
    """
    wanted = {requirement.name: requirement for requirement in requirements}
    for path in sorted(directory.iterdir()):
        requirement = wanted.pop(normalize(path.name.split("-")[0]), None)
        if requirement is None or path.suffix != ".whl" or path.is_symlink():
            return f"{path.name} was not asked for"
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() not in requirement.hashes:
                return f"{path.name} has another hash than its requirement"
    return f"{min(wanted)} is missing" if wanted else ""
