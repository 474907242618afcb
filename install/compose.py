#!/usr/bin/env python3
"""Fetches the Compose plugin that tests and benchmarks compare with (`make compose`), without installing it.

Debian 12 has no Compose v2, so the package of a later Debian is downloaded with a package list of its own and
unpacked into the cache; the system's packages and lists stay as they are, and root is not needed. Where
`docker compose` works already, nothing is fetched. On a machine where it cannot be had this says so, and the
tests that need it are skipped (in CI they fail).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGE = "docker-compose"
IN_PACKAGE = "usr/libexec/docker/cli-plugins/docker-compose"
TIMEOUT_S = 300

#: Settings of the system (proxies, certificates) hold; lists, sources and downloads are our own.
APT = """\
Dir::State "{work}/state";
Dir::State::status "{work}/state/status";
Dir::Cache "{work}/cache";
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Architecture "{architecture}";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def say(text: str) -> None:
    """One line for the user, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def folder() -> Path:
    """Where the fetched plugin is kept: `cli-plugins/docker-compose` under it."""
    cache = os.environ.get("DOCGENCTL_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "docgenctl"
    return (Path(cache) if cache else base) / "compose"


def program() -> Path:
    """The fetched plugin, whether it is there or not."""
    return folder() / "cli-plugins" / "docker-compose"


def works(command: "list[str | Path]") -> bool:
    """Whether this is a Compose of the second generation that runs here."""
    try:
        done = subprocess.run(
            [*command, "version", "--short"], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError:
        return False
    return done.returncode == 0 and not done.stdout.lstrip("v").startswith("1.")


def is_there() -> bool:
    """Whether the tests will find a plugin: the one fetched earlier, or the system's."""
    docker = shutil.which("docker")
    return works([program()]) or (docker is not None and works([docker, "compose"]))


def fetch(work: Path) -> str:
    """Put the plugin in its place. Returns why that is not possible; empty when it is done."""
    for needed in ("apt-get", "dpkg", "dpkg-deb"):
        if shutil.which(needed) is None:
            return f"{needed} is not here"
    if not KEYRING.is_file():
        return f"{KEYRING} is not here (package debian-archive-keyring)"
    environment = _private_apt(work)
    say(f"compose: fetching the plugin from Debian {SUITE}, into {folder()}")
    for command in (("apt-get", "update", "-qq"), ("apt-get", "download", "-qq", PACKAGE)):
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            return f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-500:]}"
    archive = next(work.glob(f"{PACKAGE}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, work / "unpacked"], check=True, timeout=60)
    place = program()
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.copy2(work / "unpacked" / IN_PACKAGE, half)
    half.chmod(0o755)
    half.replace(place)
    return "" if works([place]) else f"{place} does not run here"


def _private_apt(work: Path) -> dict[str, str]:
    for part in ("state/lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True)
    (work / "state" / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {SUITE} main\n", encoding="utf-8")
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    settings = work / "apt.conf"
    settings.write_text(APT.format(work=work, architecture=architecture), encoding="utf-8")
    return {**os.environ, "APT_CONFIG": str(settings), "LC_ALL": "C"}


def main() -> int:
    """Exit 0 always: who needs the plugin says so."""
    if os.environ.get("ENGINE") == "none" or is_there():
        return 0
    with tempfile.TemporaryDirectory(prefix="docgenctl-compose-") as work:
        try:
            problem = fetch(Path(work))
        except (OSError, subprocess.SubprocessError) as error:
            problem = str(error)
    if problem:
        say(f"compose: no plugin to compare with: {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
