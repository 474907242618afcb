#!/usr/bin/env python3
"""Sees to it that there is a Chromium for the tests that look at pages (`make browser`).

Where one is on the path nothing is done. As root on Debian the distribution's package is installed; elsewhere
this says what would help, and the tests that need a browser are skipped (in CI they fail).
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core")
TIMEOUT_S = 600


def say(text: str) -> None:
    """One line for the user, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def program() -> str:
    """The browser to use: `DOCGENCTL_BROWSER`, or the first that runs; empty when there is none."""
    chosen = os.environ.get("DOCGENCTL_BROWSER")
    found = [chosen] if chosen else [path for path in map(shutil.which, NAMES) if path]
    return next((path for path in found if works(path)), "")


def works(path: str) -> bool:
    """Whether it starts and says its version, which the stub of a package that is not there does not."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


def install() -> str:
    """Install Debian's package. Returns why that is not possible; empty when it is done."""
    if shutil.which("apt-get") is None:
        return "no browser here; install Chromium, or set DOCGENCTL_BROWSER to the path of one"
    if os.geteuid() != 0:
        return f"no browser here; sudo {' '.join(INSTALL)}"
    say("browser: none is here; installing chromium")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A machine's package lists may be absent or too old; then they are fetched and it is tried again.
    for before in ((), ("apt-get", "update", "-qq")):
        if before:
            subprocess.run(before, env=environment, stdout=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S)
        done = subprocess.run(
            INSTALL, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        if done.returncode == 0:
            return "" if program() else "the package chromium brought no browser that runs"
    return f"{' '.join(INSTALL)} failed: {(done.stderr or done.stdout).strip()[-500:]}"


def main() -> int:
    """Exit 0 always: who needs the browser says so."""
    if program():
        return 0
    try:
        problem = install()
    except (OSError, subprocess.SubprocessError) as error:
        problem = str(error)
    if problem:
        say(f"browser: {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
