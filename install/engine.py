#!/usr/bin/env python3
"""Sees to it that a container engine answers (`make engine`), and ends one it started (`make engine-stop`).

Runs on a fresh machine, so it needs nothing but Python's standard library. What it does is decided in this
order, and said in one line whenever it does anything:

1. `ENGINE=none`: nothing.
2. An engine was chosen (DOCKER_HOST, DOCKER_CONTEXT, a current context): never install another one.
3. A socket answers: nothing.
4. Root on Debian or Ubuntu: install what is missing, start it, wait for its socket.
5. Otherwise: print the one command that helps and exit 4; with `--or-processes` name the process engine.

With `--dry-run` it prints what it would run. The engine it starts without systemd is remembered by process
id and start time in `$XDG_STATE_HOME/docgenctl/engine`, and only that process is ever stopped.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

EXIT_ENGINE = 4
PACKAGES = ("docker.io", "iptables", "mmdebstrap", "gpg", "debian-archive-keyring")
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


class EngineUnavailableError(Exception):
    """No engine: a message and the command that helps; `hopeless` when none can be had by us here."""

    def __init__(self, message: str, hint: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.hopeless = hopeless


def say(text: str) -> None:
    """One line for the user, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def state_directory() -> Path:
    """Where the process we started is remembered, and where it logs."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "docgenctl" / "engine"


# -- looking ---------------------------------------------------------------------------------------------


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def answers(path: str) -> bool:
    """Whether an engine answers at a socket. Raises PermissionError when we may not ask."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except PermissionError:
        raise
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def sockets() -> list[str]:
    """Where engines listen by default, the system's first."""
    known = [os.environ.get("DOCGENCTL_ENGINE_SOCKET", "/var/run/docker.sock")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        known.append(f"{runtime}/docker.sock")
    return [*known, str(Path.home() / ".docker" / "run" / "docker.sock")]


def chosen_engine() -> str:
    """How the user chose an engine; empty when not."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        if os.environ.get(variable, "") not in ("", "default"):
            return f"{variable}={os.environ[variable]}"
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        context = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("currentContext", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return f"context {context}" if context not in ("", "default") else ""


def chosen_answers(chosen: str) -> bool:
    """Whether the chosen engine answers; True when only docgenctl itself can tell."""
    address = urlsplit(chosen.removeprefix("DOCKER_HOST="))
    if address.scheme == "unix":
        return answers(address.path)
    if shutil.which("docker"):
        found = subprocess.run(["docker", "version"], capture_output=True, timeout=60, check=False)
        return found.returncode == 0
    return True


def on_debian() -> bool:
    """Whether this is Debian, Ubuntu or a system made of them."""
    try:
        text = Path(os.environ.get("DOCGENCTL_OS_RELEASE", "/etc/os-release")).read_text(encoding="utf-8")
    except OSError:
        return False
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").split()
    return bool({"debian", "ubuntu"} & set(words)) and shutil.which("apt-get") is not None


def on_systemd() -> bool:
    """Whether systemd is process 1."""
    return Path("/run/systemd/system").is_dir()


# -- doing -----------------------------------------------------------------------------------------------


def ensure(*, dry_run: bool) -> None:
    """Return once an engine answers. Raises EngineUnavailableError."""
    if os.environ.get("ENGINE") == "none":
        say("engine: none, as asked for (ENGINE=none)")
        return
    if chosen := chosen_engine():
        if not chosen_answers(chosen):
            raise EngineUnavailableError(
                f"no engine answers at {chosen}", "start that engine, or unset the choice"
            )
        return
    for path in sockets():
        try:
            if answers(path):
                return
        except PermissionError:
            raise EngineUnavailableError(
                f"an engine listens at {path}, and you may not speak to it",
                'sudo usermod -aG docker "$USER", then log in again',
            ) from None
    if os.geteuid() != 0:
        # Where it lies is not on everybody's path.
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        installed = shutil.which("dockerd", path=path) is not None
        raise EngineUnavailableError(*_remedy(installed=installed), hopeless=not installed)
    installed = shutil.which("dockerd") is not None
    if not installed:
        if not on_debian():
            raise EngineUnavailableError(*_remedy(installed=False), hopeless=True)
        install(dry_run=dry_run)
    start(dry_run=dry_run)


def _remedy(*, installed: bool) -> tuple[str, str]:
    if installed:
        return "Docker is installed and does not run", (
            "sudo systemctl start docker" if on_systemd() else "sudo make engine"
        )
    if on_debian():
        return "no container engine answers", f"sudo {' '.join(INSTALL)}"
    return "no container engine answers", "install Docker Engine: https://docs.docker.com/engine/install/"


def install(*, dry_run: bool) -> None:
    """Install the engine from the distribution's packages. Raises EngineUnavailableError."""
    say(f"engine: none answers; installing {', '.join(PACKAGES)}")
    if dry_run:
        say(f"would run: {' '.join(INSTALL)}")
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A machine's package lists may be absent or too old; then they are fetched and it is tried again.
    for before in ((), ("apt-get", "update")):
        if before:
            subprocess.run(before, env=environment, stdout=subprocess.DEVNULL, check=False)
        done = subprocess.run(INSTALL, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    say(done.stdout[-2000:] + done.stderr[-2000:])
    raise EngineUnavailableError(
        "the container engine could not be installed", " ".join(INSTALL), hopeless=True
    )


def start(*, dry_run: bool) -> None:
    """Start the installed engine and wait until it answers. Raises EngineUnavailableError."""
    path = sockets()[0]
    if on_systemd():
        command = ("systemctl", "start", "docker")
        if dry_run:
            say(f"would run: {' '.join(command)}")
            return
        subprocess.run(command, check=False)
        process = None
    else:
        if dry_run:
            say("would run: dockerd, in a session of its own")
            return
        process = None if _someone_starts_it() else _spawn()
    began = time.monotonic()
    while time.monotonic() - began < START_TIMEOUT_S:
        if answers(path):
            how = "systemd" if on_systemd() else "make engine-stop ends it"
            say(f"engine: started Docker in {time.monotonic() - began:.1f} s ({how})")
            return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.1)
    log = state_directory() / "dockerd.log"
    if process is not None and log.is_file():
        say("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]))
    raise EngineUnavailableError(
        "Docker did not start",
        "journalctl -u docker" if on_systemd() else f"read {log}",
        hopeless=True,
    )


def _someone_starts_it() -> bool:
    """Whether a dockerd runs already, as one that the package's own script has just started would."""
    try:
        pid = int(Path(sockets()[0]).with_suffix(".pid").read_text(encoding="ascii"))
        return "dockerd" in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _spawn() -> "subprocess.Popen[bytes]":
    directory = state_directory()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    note = {"pid": process.pid, "started": started_at(process.pid)}
    (directory / "dockerd.json").write_text(json.dumps(note), encoding="utf-8")
    return process


def started_at(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when there is none or it has ended."""
    try:
        # The name in parentheses may hold anything; state and start time are counted from behind it.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def stop(*, dry_run: bool) -> None:
    """End the engine that we started, if it still is the same process. Raises EngineUnavailableError."""
    note = state_directory() / "dockerd.json"
    try:
        remembered = json.loads(note.read_text(encoding="utf-8"))
        pid, started = int(remembered["pid"]), str(remembered["started"])
    except (OSError, ValueError, KeyError, TypeError):
        say("engine: none was started from here, so none is stopped")
        return
    if not started or started_at(pid) != started:
        say("engine: the one started from here has ended already")
        note.unlink()
        return
    if dry_run:
        say(f"would send SIGTERM to {pid}")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while started_at(pid) == started:
        if time.monotonic() > deadline:
            raise EngineUnavailableError(f"Docker (process {pid}) does not end", f"kill -KILL {pid}")
        time.sleep(0.1)
    note.unlink()
    say("engine: stopped")


def main() -> int:
    """Exit 0 when done, 4 when no engine can be had.

    With `--or-processes` the word `process` is printed, and the exit code is 0, where none can be had at all.
    """
    parser = argparse.ArgumentParser(description="Find, install, start or stop a container engine.")
    parser.add_argument("action", choices=("ensure", "stop"))
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and run nothing")
    parser.add_argument(
        "--or-processes", action="store_true", help="where none can be had, name the engine that needs none"
    )
    arguments = parser.parse_args()
    try:
        {"ensure": ensure, "stop": stop}[arguments.action](dry_run=arguments.dry_run)
    except EngineUnavailableError as problem:
        if arguments.or_processes and problem.hopeless:
            say(f"engine: {problem} ({problem.hint}); going on without containers")
            sys.stdout.write("process\n")
            return 0
        say(f"error: {problem}")
        say(f"Hint: {problem.hint}")
        return EXIT_ENGINE
    return 0


if __name__ == "__main__":
    sys.exit(main())
