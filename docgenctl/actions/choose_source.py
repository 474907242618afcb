"""From what people type (`uvx mcp-server-time`, an image, an address) to what stands in docgen.yaml."""

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docgenctl.images.host_tools import node_home, uv_program
from docgenctl.images.lock_pypi import latest_on_pypi, lock_pypi
from docgenctl.images.npm_packages import commands_of, latest_on_npm, lock_npm
from docgenctl.images.run import Sink
from docgenctl.model.errors import UsageError
from docgenctl.model.server_sources import Package, parse_package, split_command

_PYPI_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._-]+\])?"
_NPM_NAME = r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was typed; exactly one of `image`, `stdio` and `url` is given."""

    image: str | None = None
    stdio: str | None = None
    url: str | None = None
    packages: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is written: settings of the entry, and for packages their lock."""

    settings: Mapping[str, Any]
    packages: tuple[Package, ...] = ()
    lock: str = ""


def choose_source(wish: Wish, *, python: str, cache_dir: Path, on_line: Sink) -> Source:
    """Resolve versions and lock packages.

    Raises UsageError for what cannot be meant, EngineError and BuildError for packages that cannot be had.
    """
    if sum(given is not None for given in (wish.image, wish.stdio, wish.url)) != 1:
        raise UsageError(
            "say where the server comes from, in one way",
            hint='one of: --image REFERENCE, --stdio "COMMAND", --url https://…',
        )
    if wish.stdio is None:
        if wish.packages:
            raise UsageError("packages go with --stdio", hint='--stdio "COMMAND" --package pypi:NAME')
        given = {"image": wish.image} if wish.image is not None else {"url": wish.url}
        return Source(settings={**given, **wish.settings})
    words, asked = _what_is_run(wish.stdio, wish.packages)
    registries = {registry for registry, _, _ in asked}
    if len(registries) > 1:
        raise UsageError("packages of two registries cannot be in one server", hint="make two servers of it")
    packages, lock = _locked(asked, python=python, cache_dir=cache_dir, on_line=on_line)
    words = (_command_of(words[0], packages, lock), *words[1:])
    settings = {"stdio": shlex.join(words), "packages": [str(package) for package in packages]}
    return Source(settings={**settings, **wish.settings}, packages=packages, lock=lock)


def relock(packages: Sequence[Package], *, python: str, cache_dir: Path, on_line: Sink) -> str:
    """A new lock of exact packages. Raises EngineError and BuildError."""
    asked = [(package.registry, package.name, package.version) for package in packages]
    return _locked(asked, python=python, cache_dir=cache_dir, on_line=on_line)[1]


_Asked = tuple[str, str, str]
"""Registry, name, and version; an empty version is the newest."""


def _what_is_run(stdio: str, packages: tuple[str, ...]) -> tuple[tuple[str, ...], list[_Asked]]:
    """The command's words, and its packages: those named, those of `uvx` and `npx`, or its own name."""
    try:
        words = split_command(stdio)
    except ValueError as error:
        raise UsageError(str(error).partition("; ")[0], hint='--stdio "mcp-server-time --x y"') from None
    asked = [_asked(text) for text in packages]
    if words[0] == "uvx":
        return _of_uvx(words[1:], asked)
    if words[0] == "npx":
        return _of_npx(words[1:], asked)
    return words, asked or [_asked(f"pypi:{words[0]}")]


def _of_uvx(words: tuple[str, ...], asked: list[_Asked]) -> tuple[tuple[str, ...], list[_Asked]]:
    """`uvx [--from PACKAGE] COMMAND ARGS…`; the command may carry a version."""
    package = None
    while words and words[0].startswith("-"):
        if words[0] != "--from" or len(words) < 2:
            raise UsageError(f"uvx's option {words[0]} is not understood here", hint="--package pypi:NAME")
        package, words = words[1], words[2:]
    if not words:
        raise UsageError("uvx is told nothing to run", hint='--stdio "uvx mcp-server-time"')
    name, _, version = words[0].partition("@")
    wanted = package or (f"{name}=={version}" if version and version != "latest" else name)
    return (name.partition("==")[0], *words[1:]), asked or [_asked(f"pypi:{wanted}")]


def _of_npx(words: tuple[str, ...], asked: list[_Asked]) -> tuple[tuple[str, ...], list[_Asked]]:
    """`npx [-y] [-p PACKAGE] PACKAGE ARGS…`; without `-p` the command is the package's."""
    package = None
    while words and words[0].startswith("-"):
        if words[0] in ("-y", "--yes", "-q", "--quiet"):
            words = words[1:]
        elif words[0] in ("-p", "--package") and len(words) > 1:
            package, words = words[1], words[2:]
        else:
            raise UsageError(f"npx's option {words[0]} is not understood here", hint="--package npm:NAME")
    if not words:
        raise UsageError("npx is told nothing to run", hint='--stdio "npx -y @scope/server"')
    return words, asked or [_asked(f"npm:{package or words[0]}")]


def _asked(text: str) -> _Asked:
    """`pypi:NAME[==VERSION]` or `npm:NAME[@VERSION]`. Raises UsageError."""
    match = re.fullmatch(rf"pypi:({_PYPI_NAME})(?:==([A-Za-z0-9.!+_-]+))?", text)
    if match:
        return "pypi", match[1], match[2] or ""
    match = re.fullmatch(rf"npm:({_NPM_NAME})(?:@([A-Za-z0-9.+-]+))?", text)
    if match:
        return "npm", match[1], "" if match[2] in (None, "latest") else match[2]
    raise UsageError(
        f"{text!r} is not a package", hint="write pypi:NAME, pypi:NAME==VERSION or npm:NAME@VERSION"
    )


def _command_of(word: str, packages: tuple[Package, ...], lock: str) -> str:
    """The program that a word of npx stands for: a package's one command, or the one of its name."""
    if packages[0].registry != "npm":
        return word
    commands = commands_of(lock)
    name = word.rpartition("@")[0] if word.rfind("@") > 0 else word
    if name in commands:
        return name
    short = name.rpartition("/")[2]
    if short in commands:
        return short
    if len(commands) == 1:
        return next(iter(commands))
    known = ", ".join(sorted(commands)) or "none"
    raise UsageError(
        f"{word} does not say which of its programs is meant",
        hint=f'--stdio "PROGRAM" --package {packages[0]}; its programs: {known}',
    )


def _locked_pypi(
    asked: Sequence[_Asked], *, python: str, cache_dir: Path, scratch: Path, on_line: Sink
) -> tuple[tuple[Package, ...], str]:
    """Packages and their lock, resolved with uv."""
    uv = uv_program(cache_dir, on_line)
    packages = tuple(
        Package("pypi", name, version)
        if version
        else latest_on_pypi(name, python=python, uv=uv, scratch=scratch, on_line=on_line)
        for _, name, version in asked
    )
    return packages, lock_pypi(_exact(packages), python=python, uv=uv, scratch=scratch, on_line=on_line)


def _locked_npm(
    asked: Sequence[_Asked], *, cache_dir: Path, scratch: Path, on_line: Sink
) -> tuple[tuple[Package, ...], str]:
    """Packages and their lock, resolved with the npm of the pinned Node."""
    home = node_home(cache_dir, on_line)
    packages = tuple(
        Package("npm", name, version)
        if version
        else latest_on_npm(name, node_home=home, scratch=scratch, on_line=on_line)
        for _, name, version in asked
    )
    return packages, lock_npm(_exact(packages), node_home=home, scratch=scratch, on_line=on_line)


def _locked(
    asked: Sequence[_Asked], *, python: str, cache_dir: Path, on_line: Sink
) -> tuple[tuple[Package, ...], str]:
    with tempfile.TemporaryDirectory(prefix="docgenctl-lock-") as folder:
        scratch = Path(folder)
        if asked[0][0] == "pypi":
            return _locked_pypi(asked, python=python, cache_dir=cache_dir, scratch=scratch, on_line=on_line)
        return _locked_npm(asked, cache_dir=cache_dir, scratch=scratch, on_line=on_line)


def _exact(packages: tuple[Package, ...]) -> tuple[Package, ...]:
    """The same packages; raises UsageError for a version that is a range or a tag."""
    for package in packages:
        try:
            parse_package(str(package))
        except ValueError as error:
            raise UsageError(str(error).partition("; ")[0], hint="write an exact version") from None
    return packages
