"""Speaking to the supervisor: one JSON line asks, JSON lines answer, over a socket in the private home."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from docgenctl.engine.processes.places import Home, short_path
from docgenctl.model.errors import EngineError, PortTakenError

#: Longest wait for an answer, besides the grace that a stop may take.
PATIENCE_S = 30.0
_TRIES = 5


class Conversation:
    """One connection to the supervisor."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file: BinaryIO = connection.makefile("rb")

    def say(self, request: dict[str, Any]) -> None:
        """Send a request."""
        self._connection.sendall(json.dumps(request).encode() + b"\n")

    def hear(self) -> dict[str, Any] | None:
        """The next answer; None when the supervisor has no more to say, or ended."""
        try:
            line = self._file.readline()
        except OSError:
            return None
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def patience(self, seconds: float | None) -> None:
        """How long to wait for an answer; None for ever."""
        self._connection.settimeout(seconds)

    def hang_up(self) -> None:
        """End it; who waits for an answer in another thread gets none."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        """Give everything back."""
        self._file.close()
        self._connection.close()


@contextmanager
def conversation(home: Home, *, start: bool) -> Iterator[Conversation | None]:
    """A connection to the home's supervisor, started if need be; None when none runs and none was to start.

    Raises EngineError when it cannot be started.
    """
    connection = connect(home)
    for _ in range(_TRIES):
        if connection is not None or not start:
            break
        _start(home)
        connection = connect(home)
    if connection is None:
        if start:
            raise EngineError(
                "the supervisor of the processes could not be started",
                hint=f"see {home.path / 'supervisor.log'}",
            )
        yield None
        return
    talk = Conversation(connection)
    try:
        yield talk
    finally:
        talk.close()


def connect(home: Home) -> socket.socket | None:
    """A connection, None when nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with short_path(home.control) as path:
            connection.settimeout(PATIENCE_S)
            connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def ask(home: Home, request: dict[str, Any], *, start: bool, patience_s: float = PATIENCE_S) -> bool:
    """Have something done; False when no supervisor runs and none was to start. Raises EngineError."""
    deadline = time.monotonic() + patience_s
    while True:
        with conversation(home, start=start) as talk:
            if talk is None:
                return False
            talk.patience(patience_s)
            try:
                talk.say(request)
                answer = talk.hear()
            except OSError:
                answer = None
        if answer is not None:
            raise_refusal(answer)
            return True
        # It was about to end when we came; the next one answers.
        if time.monotonic() > deadline:
            raise EngineError("the supervisor of the processes does not answer", hint="docgenctl down")


def raise_refusal(answer: dict[str, Any]) -> None:
    """Raise what the supervisor refused with. Raises EngineError or PortTakenError."""
    error = answer.get("error")
    if error is None:
        return
    if error["kind"] == "port_taken":
        port = int(error["port"])
        raise PortTakenError(error["message"], host_port=port, hint=f"ss -ltnp 'sport = :{port}'")
    raise EngineError(error["message"], hint="docgenctl down, then docgenctl up")


def _start(home: Home) -> None:
    """Start the supervisor in a session of its own and wait until it listens, or another one does."""
    import docgenctl

    root = str(Path(docgenctl.__file__).parent.parent)
    command = [sys.executable, "-P", "-m", "docgenctl.engine.processes.supervisor", str(home.path)]
    # Nothing of the user's environment: tokens in it are none of the supervisor's business.
    clean = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(home.path / "supervisor.log", flags, 0o600), "ab") as log:
        subprocess.run(
            command,
            env=clean | {"PYTHONPATH": root},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
            timeout=PATIENCE_S,
        )
