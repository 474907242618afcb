#!/usr/bin/env python3
"""Fetches what `benchmarks/forwarding.py` compares with (`make peers`): other proxies, and a profiler.

nginx and HAProxy: where they are on the path nothing is done; as root on Debian or Ubuntu the distribution's
packages are installed without being started. FastMCP, mcp-proxy and py-spy: each into a virtual environment
of its own under .cache/peers, since they need other versions of what we need, too. Whatever cannot be had is
said, and the benchmark leaves it out.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PLACE = Path(__file__).parents[1] / ".cache" / "peers"
PROXIES = {"nginx": "nginx-light", "haproxy": "haproxy"}
PACKAGES = {"fastmcp": "fastmcp==4.1.2", "mcp-proxy": "mcp-proxy==0.13.0", "py-spy": "py-spy==0.4.2"}
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends")
TIMEOUT_S = 900
#: What a package's scripts ask before they start a service: 101 says no.
_POLICY = Path("/usr/sbin/policy-rc.d")


def say(text: str) -> None:
    """One line for the user, on stderr."""
    sys.stderr.write(f"peers: {text}\n")
    sys.stderr.flush()


def absent() -> list[str]:
    """The Debian packages of reverse proxies that are not here."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    return [package for name, package in PROXIES.items() if shutil.which(name, path=path) is None]


def install(packages: "list[str]") -> str:
    """Install Debian packages and start nothing. Returns why that is not possible; empty when done."""
    command = (*INSTALL, *packages)
    if shutil.which("apt-get") is None:
        return f"{' and '.join(packages)} have to be installed by hand"
    if os.geteuid() != 0:
        return f"sudo {' '.join(command)}"
    say(f"installing {' and '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        _POLICY.chmod(0o755)
    try:
        return _apt(command, environment)
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)


def _apt(command: "tuple[str, ...]", environment: "dict[str, str]") -> str:
    # A machine's package lists may be absent or too old; then they are fetched and it is tried again.
    problem = ""
    for before in ((), ("apt-get", "update", "-qq")):
        if before:
            subprocess.run(before, env=environment, stdout=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        if done.returncode == 0:
            return ""
        problem = (done.stderr or done.stdout).strip()[-500:]
    return f"{' '.join(command)} failed: {problem}"


def make_environment(name: str, requirement: str) -> str:
    """A virtual environment with one package. Returns why that is not possible; empty when done."""
    place = PLACE / name
    done = place / ".done"
    if done.is_file() and done.read_text(encoding="utf-8") == requirement:
        return ""
    say(f"making {place.relative_to(PLACE.parents[1])} with {requirement}")
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    pip = (str(place / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "-qq")
    command = (*pip, requirement)
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if ran.returncode != 0:
        shutil.rmtree(place, ignore_errors=True)
        return f"{requirement}: {ran.stderr.strip()[-500:]}"
    done.write_text(requirement, encoding="utf-8")
    return ""


def main() -> int:
    """Exit 0 always: the benchmark says what it leaves out."""
    missing = absent()
    problems = [install(missing)] if missing else []
    for name, requirement in PACKAGES.items():
        try:
            problems.append(make_environment(name, requirement))
        except (OSError, subprocess.SubprocessError) as error:
            problems.append(str(error))
    for problem in filter(None, problems):
        say(problem)
    return 0


if __name__ == "__main__":
    sys.exit(main())
