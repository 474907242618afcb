"""Environment variables of a project: what its programs read, and what its example files declare."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from docgen_main.facts.model import EnvironmentVariable
from docgen_main.facts.reading import FileFacts

_LINE = re.compile(r"(?:export )?([A-Z][A-Z0-9_]{1,80})=(.{0,200})")
_SECRET = re.compile(r"SECRET|TOKEN|PASSW|KEY|CREDENTIAL|PRIVATE|DSN|AUTH")
_MOST = 500


@dataclass
class _Found:
    default: str = ""
    help: str = ""
    sources: dict[str, None] = field(default_factory=dict)


def is_example(name: str) -> bool:
    """Whether a file called `name` shows people which variables to set."""
    return name.startswith((".env", "env")) and name.endswith((".example", ".sample", ".template", ".dist"))


def variables_of(
    facts: Mapping[str, FileFacts], examples: Mapping[str, str]
) -> tuple[EnvironmentVariable, ...]:
    """By name: what `facts` read outside tests, and what the texts of `examples`, by path, declare.

    The default of a variable that may be a secret is not given, whatever stands there.
    """
    found: dict[str, _Found] = {}
    for path, text in examples.items():
        _declared(path, text, found)
    for path, one in facts.items():
        if (one.python and one.python.test) or (one.module and one.module.test):
            continue
        for read in one.variables:
            entry = found.setdefault(read.name, _Found())
            entry.default = entry.default or read.default
            entry.sources.setdefault(path)
    return tuple(
        EnvironmentVariable(name, "" if _SECRET.search(name) else one.default, one.help, tuple(one.sources))
        for name, one in sorted(found.items())[:_MOST]
    )


def _declared(path: str, text: str, found: dict[str, _Found]) -> None:
    comment: list[str] = []
    for line in text.splitlines()[:2_000]:
        match = _LINE.match(line.strip().removeprefix("#").strip())
        if match:
            entry = found.setdefault(match[1], _Found())
            entry.default = entry.default or _value(match[2])
            entry.help = entry.help or " ".join(comment)[:300]
            entry.sources.setdefault(path)
            comment = []
        elif line.startswith("#"):
            comment.append(line.strip("# ").strip())
        else:
            comment = []


def _value(text: str) -> str:
    return text.partition(" #")[0].strip().strip("\"'")
