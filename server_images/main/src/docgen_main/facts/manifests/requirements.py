"""Python's requirement lines (PEP 508), and the files that hold nothing else."""

import re

from docgen_main.facts.manifests.values import texts
from docgen_main.facts.model import Dependency, Manifest

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\s*\[[^\]]*\])?\s*([^;#]*)")


def requirement(line: str, group: str = "") -> Dependency | None:
    """The dependency that a requirement line names."""
    match = _REQUIREMENT.match(line.strip())
    return Dependency(match[1], match[2].strip(), group) if match else None


def requirements(lines: object, group: str = "") -> list[Dependency]:
    """The dependencies of a list of requirement lines; one with several markers counts once."""
    found: dict[str, Dependency] = {}
    for line in texts(lines):
        dependency = requirement(line, group)
        if dependency is not None:
            found.setdefault(dependency.name.lower(), dependency)
    return list(found.values())


def requirements_file(path: str, content: str) -> Manifest:
    """What `requirements*.txt` or `.in` lists; its name says the group, as in `requirements-dev.txt`."""
    if "--hash=" in content:  # a lock: what it lists was derived, not chosen
        return Manifest(path, "Python")
    lines = (line.split(" #")[0].strip().rstrip("\\") for line in content.splitlines())
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0].removeprefix("requirements").strip("-_.")
    return Manifest(path, "Python", dependencies=tuple(requirements(wanted, stem)))
