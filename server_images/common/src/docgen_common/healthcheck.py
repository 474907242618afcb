"""The container's health check, and its watchdog: engines restart what ends, never what hangs.

Run as ``python -I -S healthcheck.py``: standard library only, and little of it, because it runs every few
seconds for the life of the container and importing is most of its cost. Exit status 0 when ``/health``
answers 200 within three seconds, else 1.

A server that accepts the connection and then says nothing for fifteen seconds hangs, or is very busy. What
has used no processor time meanwhile (stopped, deadlocked) is ended at once; what has gets two more checks.
All processes that this user may signal are killed, which ends the container, and its restart policy starts
it again. A refused connection is never a reason: nothing listens while a server starts, or stops.

Nothing is killed unless an engine has put this process into a container as an ordinary user: then, and only
then, its parent is outside and has the number 0.
"""

# pathlib costs more to import than the whole check, and the engine keeps what is printed here.
# ruff: noqa: PTH108, PTH123, PTH208, T201

import os
import signal
import socket
import sys
import time

HEALTHY_S = 3.0
"""An answer that takes longer is an answer, but not a healthy one."""

SILENCE_S = 15.0
"""After this long without a byte nobody is expected to answer any more."""

PATIENCE = 3
"""How many silent checks in a row a busy server is granted."""

BUSY_S = 0.1
"""Processor time within the silence that tells a busy server from one that stands still."""

_COUNT = "/tmp/.docgen-silent"  # noqa: S108 - the container's own, empty after each start


def main(port: int) -> int:
    """Check, and end the container when its server hangs. Returns the exit status."""
    used = processor_s()
    answer = ask(port)
    if answer is not None:
        _count(0)
        return 0 if answer else 1
    silent = _count(None) + 1
    busy = processor_s() - used >= BUSY_S
    if (not busy or silent >= PATIENCE) and may_end():
        end(f"no answer for {SILENCE_S:.0f} s, check {silent} of {PATIENCE}: ended, to start again")
    _count(silent)
    return 1


def ask(port: int) -> bool | None:
    """Whether ``/health`` on 127.0.0.1 at ``port`` answers 200 in time; None when it says nothing at all."""
    request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    begun = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S) as connection:
            connection.sendall(request)
            answer = b""
            while len(answer) < 12 and (chunk := connection.recv(4096)):
                answer += chunk
    except TimeoutError:
        return None
    except OSError:
        return False
    in_time = time.monotonic() - begun <= HEALTHY_S
    return in_time and answer[:5] == b"HTTP/" and answer[9:12] == b"200"


def processor_s() -> float:
    """Processor time that all processes here but the first and this one have used, in seconds."""
    ticks = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and name not in ("1", str(os.getpid())):
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:  # it has just ended
                continue
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def may_end() -> bool:
    """Whether "all processes" means those of a container, and not of a machine."""
    return os.getppid() == 0 and os.geteuid() != 0


def end(reason: str) -> None:
    """Say why in the container's log, then kill everything but the container's first process and this."""
    server = os.environ.get("DOCGEN_SERVER", "")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = f'{{"time": "{now}", "level": "critical", "event": "{reason}", "server": "{server}"}}\n'
    print(reason)
    try:
        with open("/proc/1/fd/1", "w") as log:
            log.write(line)
    except OSError:  # the log is not ours to write to; the engine keeps what is printed here
        pass
    os.kill(-1, signal.SIGKILL)


def _count(silent: int | None) -> int:
    """Silent checks so far; a number replaces it."""
    try:
        if silent == 0:
            os.unlink(_COUNT)
        elif silent is not None:
            with open(_COUNT, "w") as file:
                file.write(str(silent))
        else:
            with open(_COUNT) as file:
                return int(file.read() or 0)
    except (OSError, ValueError):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(int(os.environ.get("DOCGEN_PORT", "8000"))))
