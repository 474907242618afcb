"""Resolves packages of PyPI for the image's Python and platform, into a hashed requirements file.

pip judges markers by the Python that it runs on; uv is told the image's. Where packages come from is pip's
own configuration, since that is what people have set up; addresses with credentials go through the
environment and never into the file.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from docgenctl.images.run import Sink, run
from docgenctl.model.errors import BuildError, EngineError
from docgenctl.model.server_sources import Package

_SETTING = re.compile(r"(?:global|install|download|:env:)\.([a-z-]+)='(.*)'")
_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
_HEADER = "# Locked by docgenctl; commit it. Do not edit: docgenctl servers lock\n"


def lock_pypi(packages: Sequence[Package], *, python: str, uv: Path, scratch: Path, on_line: Sink) -> str:
    """The requirements file with every package and what it needs, each with the hashes of its wheels.

    Raises EngineError when the index does not answer, BuildError for what cannot be had as wheels.
    """
    wanted = scratch / "requirements.in"
    wanted.write_text("".join(f"{package.name}=={package.version}\n" for package in packages))
    locked = scratch / "requirements.txt"
    command = [str(uv), "pip", "compile", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--only-binary", ":all:", "--no-config"]
    command += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--python", sys.executable, "--no-python-downloads"]
    command += ["--output-file", str(locked), str(wanted)]
    outcome = run(command, on_line, _index_environment())
    if outcome.code != 0:
        raise _explain(packages, outcome.lines)
    return _HEADER + "".join(f"# {package}\n" for package in packages) + locked.read_text(encoding="utf-8")


def latest_on_pypi(name: str, *, python: str, uv: Path, scratch: Path, on_line: Sink) -> Package:
    """The newest version of a package that the image can have. Raises as `lock_pypi` does."""
    wanted = scratch / "latest.in"
    wanted.write_text(f"{name}\n")
    command = [str(uv), "pip", "compile", "--no-deps", "--no-header", "--no-annotate", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--only-binary", ":all:", "--no-config"]
    command += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--python", sys.executable, "--no-python-downloads", str(wanted)]
    outcome = run(command, on_line, _index_environment())
    bare = re.escape(re.sub(r"\[.*", "", name))
    found = [
        match[1]
        for line in outcome.lines
        if (match := re.match(rf"{bare}(?:\[.*?\])?==([^\s;]+)", line, re.IGNORECASE))
    ]
    if outcome.code != 0 or not found:
        raise _explain((Package("pypi", name, ""),), outcome.lines)
    return Package("pypi", name, found[0])


def _index_environment() -> Mapping[str, str]:
    """Pip's configuration as uv's variables; what is set for uv already stays."""
    found: dict[str, str] = {}
    listed = run([sys.executable, "-m", "pip", "config", "list"], lambda _: None)
    for line in listed.lines:
        match = _SETTING.fullmatch(line.strip())
        if match and match[1] in _TO_UV:
            value = match[2].replace("\\n", " ").strip()
            found[_TO_UV[match[1]]] = ",".join(value.split()) if match[1] == "find-links" else value
    # pip takes the best version of all indexes that it was given, and so trusts them alike.
    own = {"UV_NATIVE_TLS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    return {**own, **{key: value for key, value in found.items() if key not in os.environ}}


def _explain(packages: Sequence[Package], lines: tuple[str, ...]) -> EngineError:
    names = ", ".join(str(package).removesuffix("==") for package in packages)
    text = " ".join(lines)
    if (
        "No solution found" in text
        or "not found in the package registry" in text
        or "no wheel" in text.lower()
    ):
        return BuildError(
            f"{names} cannot be had for the image",
            hint="see the last lines; every package must exist as a wheel for the image's Python",
            code="package_unavailable",
            details=lines[-8:],
        )
    return EngineError(
        f"{names} could not be looked up",
        hint="check the network, or point pip at your index: pip config set global.index-url URL",
        code="wheels_failed",
        details=lines[-8:],
    )
