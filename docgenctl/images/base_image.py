"""Makes a base image from Debian packages, for machines that no image registry serves.

One run of mmdebstrap makes everything from one state of the archive: the root file system with Python, and,
relative to exactly that system, the packages that HAProxy, squid and Valkey need on top of it. So the images
of gateway, egress proxy and Valkey are built from base and packages without network, and share its layer.

Times in the tar end at the start of the day (UTC): two runs on one state of the archive on one day give the
same bytes, and no byte code is made older than its source.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from docgenctl.images.run import Sink, run
from docgenctl.model.errors import EngineError

SUITE = "trixie"
#: The Python of that suite; wheels must be fetched for it.
PYTHON = "3.13"
_PACKAGES = ("python3", "python3-venv", "ca-certificates")
_GATEWAY_PACKAGE = "haproxy"
_EGRESS_PACKAGE = "squid-openssl"
_VALKEY_PACKAGE = "valkey-server"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PROGRAM_PACKAGES = ("mmdebstrap", "gpg", "uidmap", "debian-archive-keyring")
_INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", *_PROGRAM_PACKAGES)
_DAY = 86_400
_FACTS = "base.json"


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """The files of a base image: what `docker import` takes, three folders of .deb files, and a digest.

    `digest` is the hex sha256 of all of them.
    """

    root_tar: Path
    gateway_debs: Path
    egress_debs: Path
    valkey_debs: Path
    digest: str

    @property
    def reference(self) -> str:
        """The image's reference for these bytes."""
        return f"docgenctl/base:{self.digest[:16]}"


def find_base(cache_dir: Path, architecture: str, *, mirror: str = "") -> BaseFiles | None:
    """The base image made earlier, or None. Raises EngineError for an unknown architecture."""
    return _load(_directory(cache_dir, architecture, mirror))


def make_base(
    cache_dir: Path, architecture: str, on_line: Sink, *, mirror: str = "", refresh: bool = False
) -> BaseFiles:
    """The base image's files, from the cache or made now (about 20 s and 60 MB of downloads).

    Args:
        cache_dir: the program's cache directory; files go to `base-image/` under it.
        architecture: the engine's, as it states it.
        on_line: gets progress, a line at a time.
        mirror: URL of a Debian mirror; the public archive and its security updates by default.
        refresh: make it anew, with the packages' newest versions.

    Needs mmdebstrap, which is installed by itself for root on Debian and Ubuntu, and root or unprivileged
    user namespaces. Raises EngineError (`base_image_failed`, `unsupported`).
    """
    directory = _directory(cache_dir, architecture, mirror)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(directory.with_name(f"{directory.name}.lock")):
        found = None if refresh else _load(directory)
        if found is not None:
            return found
        _ensure_mmdebstrap(on_line)
        for leftover in directory.parent.glob(f"{directory.name}.*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", suffix=".tmp", dir=directory.parent))
        try:
            _bootstrap(fresh, _debian_architecture(architecture), mirror, on_line)
            facts = {"suite": SUITE, "digest": _digest(fresh)}
            (fresh / _FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")
            shutil.rmtree(directory, ignore_errors=True)
            fresh.rename(directory)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        made = _load(directory)
    if made is None:
        raise EngineError(
            f"the base image in {directory} is gone", hint="run the command again; it makes a new one"
        )
    return made


def _debian_architecture(architecture: str) -> str:
    name = _ARCHITECTURES.get(architecture.lower())
    if name is None:
        raise EngineError(
            f"no base image can be made for the engine's architecture {architecture}",
            hint="use an engine on amd64 or arm64",
            code="unsupported",
        )
    return name


def _directory(cache_dir: Path, architecture: str, mirror: str) -> Path:
    inputs = ["1", SUITE, *_PACKAGES, _GATEWAY_PACKAGE, _EGRESS_PACKAGE, _VALKEY_PACKAGE, mirror]
    inputs.append(_debian_architecture(architecture))
    return cache_dir / "base-image" / hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:32]


def _load(directory: Path) -> BaseFiles | None:
    # The folder appears by one rename, so what is there is complete unless somebody took parts away.
    try:
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        files = BaseFiles(
            directory / "root.tar",
            directory / "gateway",
            directory / "egress",
            directory / "valkey",
            str(facts["digest"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    debs = (files.gateway_debs, files.egress_debs, files.valkey_debs)
    whole = files.root_tar.is_file() and all(any(folder.glob("*.deb")) for folder in debs)
    return files if whole else None


def _ensure_mmdebstrap(on_line: Sink) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        on_line("installing mmdebstrap")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        if run(_INSTALL, on_line, quiet).code != 0:
            run(("apt-get", "update"), on_line, quiet)
            run(_INSTALL, on_line, quiet)
        if shutil.which("mmdebstrap"):
            return
    raise EngineError(
        "no image registry gives the base image, and mmdebstrap, which makes one, is not installed",
        hint=f"sudo {' '.join(_INSTALL)}",
        code="base_image_failed",
    )


def _bootstrap(directory: Path, architecture: str, mirror: str, on_line: Sink) -> None:
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", "--format=tar"]
    command.append(f"--architectures={architecture}")
    packages = {"gateway": _GATEWAY_PACKAGE, "egress": _EGRESS_PACKAGE, "valkey": _VALKEY_PACKAGE}
    for folder, package in packages.items():
        (directory / folder).mkdir()
        command += _download_hooks(package, directory / folder)
    command += [SUITE, str(directory / "root.tar"), *([mirror] if mirror else [])]
    midnight = int(time.time()) // _DAY * _DAY

    def progress(line: str) -> None:
        if line.startswith("I: "):
            on_line(line.removeprefix("I: "))

    outcome = run(command, progress, {"SOURCE_DATE_EPOCH": str(midnight)})
    if outcome.code != 0:
        raise EngineError(
            "the base image could not be made from Debian packages",
            hint="see the last lines; a Debian mirror must be in reach (http_proxy and apt's settings hold)",
            code="base_image_failed",
            details=outcome.lines[-15:],
        )


def _download_hooks(package: str, target: Path) -> list[str]:
    """Hooks of mmdebstrap that fetch what `package` needs on top of the system in `$1`, without it.

    `sync-out` carries the files over the boundary of a user namespace too. The folder inside is removed, so
    that the system's tar does not hold them.
    """
    download = (
        'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --no-install-recommends --download-only '
        f'-oAPT::Sandbox::User=root -oDir::Cache::Archives="$1/docgen-debs" install {package} '
        '&& rm -rf "$1/docgen-debs/partial" "$1/docgen-debs/lock"'
    )
    return [
        '--customize-hook=mkdir -p "$1/docgen-debs/partial"',
        f"--customize-hook={download}",
        f"--customize-hook=sync-out /docgen-debs {target}",
        '--customize-hook=rm -rf "$1/docgen-debs"',
    ]


def _digest(directory: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                body = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(directory).as_posix()}:{body}\n".encode())
    return total.hexdigest()
