"""What people type in this project: Makefile targets and scripts."""

import re

from docgen_main.facts.model import Command

_TARGET = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,60})\s{0,4}:(?![:=])"
    r"([^#]{0,300})(?:##\s{0,4}(.{1,200}))?"
)
MAKEFILES = ("Makefile", "GNUmakefile", "makefile")


def makefile_commands(path: str, text: str) -> tuple[Command, ...]:
    """Targets that people would type: those with a `## help` and the phony ones, in file order."""
    phony: set[str] = set()
    found: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        line = line[:600]
        if line.startswith(".PHONY:"):
            phony.update(line[len(".PHONY:") :].split("#")[0].split())
        match = _TARGET.match(line)
        if match and not found.get(match[1]):
            found[match[1]] = (match[3] or "").strip()
    directory = path.rpartition("/")[0]
    make = f"make -C {directory} " if directory else "make "
    return tuple(Command(make + name, said, path) for name, said in found.items() if said or name in phony)


def script_help(text: str) -> str:
    """The first comment of a script, after its `#!` line."""
    for line in text.splitlines()[:12]:
        if line.startswith("#!") or not line.strip():
            continue
        return line.lstrip("# ").strip().strip('"').strip() if line.startswith(("#", '"""')) else ""
    return ""
