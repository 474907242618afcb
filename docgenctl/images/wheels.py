"""Fetches the wheels of an image on the host, so that the build needs no network, index or credentials.

pip downloads for the engine's platform, whatever runs here, from what the host's pip is set up for, and
accepts only bytes whose hashes the requirements file names. The result lies in a cache under a key made of
the requirements and the platform; it is complete or absent (filled beside, then renamed), and is verified
again at every use.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from docgenctl.images.requirements import Requirement, mismatch, parse_requirements
from docgenctl.images.run import Sink, run
from docgenctl.model.errors import BuildError, EngineError

#: Oldest to newest glibc baseline that the base images (Debian 12 and newer) satisfy.
_GLIBC_TAGS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
_OLD_GLIBC_TAGS = ("manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1")
_ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}

_HASH_SIGNS = ("DO NOT MATCH THE HASHES", "HashMismatch")
_NETWORK_SIGNS = (
    "Retrying (Retry(",
    "Failed to establish a new connection",
    "Could not fetch URL",
    "ProxyError",
    "SSLError",
    "ReadTimeoutError",
    "Connection aborted",
)
_ABSENT_SIGNS = ("No matching distribution found", "Could not find a version")


def platforms(architecture: str) -> tuple[str, ...]:
    """The platform tags that pip wants for an engine's architecture (`aarch64`…). Raises EngineError."""
    machine = _ARCHITECTURES.get(architecture.lower())
    if machine is None:
        raise EngineError(
            f"there are no server images for the engine's architecture {architecture}",
            hint="use an engine on amd64 or arm64",
            code="unsupported",
        )
    tags = _GLIBC_TAGS + (_OLD_GLIBC_TAGS if machine == "x86_64" else ())
    return (*(f"{tag}_{machine}" for tag in tags), "any")


def fetch_wheels(
    requirements: Path | str, *, python: str, architecture: str, cache_dir: Path, on_line: Sink
) -> Path:
    """A directory with exactly the wheels that a hashed requirements file pins.

    Args:
        requirements: the hashed requirements file, or its text.
        python: version of the image's Python, `3.13`.
        architecture: the engine's, as it states it.
        cache_dir: the program's cache directory; wheels go to `wheels/` under it.
        on_line: gets pip's output live.

    Raises EngineError (`wheels_failed`, `unsupported`) or BuildError (`wheels_failed`).
    """
    tags = platforms(architecture)
    named = "the lock" if isinstance(requirements, str) else f"{requirements.parent.name}/{requirements.name}"
    text = requirements if isinstance(requirements, str) else requirements.read_text(encoding="utf-8")
    wanted = parse_requirements(text, named)
    key = hashlib.sha256("\0".join([text, python, *tags]).encode()).hexdigest()
    store = cache_dir / "wheels"
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / f"{key}.lock"):
        target = store / key
        if target.is_dir() and not mismatch(wanted, target):
            return target
        for leftover in (target, *store.glob(f"{key}.*.tmp")):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{key}.", suffix=".tmp", dir=store))
        try:
            with tempfile.TemporaryDirectory() as scratch:
                file = Path(scratch) / "requirements.txt"
                file.write_text(text, encoding="utf-8")
                _download(file, wanted, fresh, python=python, tags=tags, on_line=on_line)
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return target


def _download(
    requirements: Path,
    wanted: tuple[Requirement, ...],
    directory: Path,
    *,
    python: str,
    tags: tuple[str, ...],
    on_line: Sink,
) -> None:
    # --no-deps: the file is complete, and pip would judge markers by the Python that runs here.
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-color", "--retries", "2", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--python-version", python]
    command += ["--implementation", "cp", "--abi", f"cp{python.replace('.', '')}", "--abi", "abi3"]
    command += ["--abi", "none", "--dest", str(directory), "--requirement", str(requirements)]
    for tag in tags:
        command += ["--platform", tag]
    outcome = run(command, on_line)
    if outcome.code != 0:
        raise _explain(outcome.lines, tags)
    reason = mismatch(wanted, directory)
    if reason:
        raise BuildError(
            f"pip fetched other wheels than the lock names: {reason}",
            hint="in a checkout: make lock; else install docgenctl again",
            code="wheels_failed",
        )


def _explain(output: tuple[str, ...], tags: tuple[str, ...]) -> EngineError:
    errors = tuple(line for line in output if line.startswith("ERROR")) or output[-5:]
    if any(sign in line for line in output for sign in _HASH_SIGNS):
        return BuildError(
            "a package index served other bytes than the lock names",
            hint="find out why before going on; after a deliberate change: make lock",
            code="wheels_failed",
            details=output[-20:],
        )
    if any(sign in line for line in output for sign in _NETWORK_SIGNS):
        return EngineError(
            "the wheels for the images could not be fetched: no package index answers",
            hint="check the network, or point pip at your index: pip config set global.index-url URL",
            code="wheels_failed",
            details=errors[:5],
        )
    if any(sign in line for line in output for sign in _ABSENT_SIGNS):
        return BuildError(
            f"a package of the lock has no wheel for {tags[0]}, or pip's index does not have it",
            hint="see the last lines; images/python must be the Python that the lock was made for",
            code="wheels_failed",
            details=errors[:5],
        )
    return EngineError(
        "pip could not fetch the wheels",
        hint="the last lines are pip's own words; pip config debug shows which index it uses",
        code="wheels_failed",
        details=errors[-10:],
    )
