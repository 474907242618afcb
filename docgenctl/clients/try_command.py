"""Starting a stdio server as a client would, and speaking the first sentences with it."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from docgenctl import __version__
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.launch import Launch

_REVISION = "2025-11-25"
_SHOWN = 5


class TriedCommand:
    """A started server. Raises NotHealthyError: `not_started`, `not_answered`, or `rpc_error`.

    Where a bridge of ours says why the stack does not answer, the error has its code and its hint.

    Args:
        launch: the command.
        environ: all of its environment, besides what the launch adds.
        timeout_s: for each answer.
    """

    def __init__(self, launch: Launch, environ: Mapping[str, str], *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._log: list[str] = []
        self._id = 0
        try:
            self._process = subprocess.Popen(
                [launch.command, *launch.args],
                env={**environ, **launch.env},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise NotHealthyError(
                f"{launch.command} cannot be started: {why}",
                hint="write it anew: docgenctl clients connect",
                code="not_started",
            ) from None
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_log, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def initialize(self) -> Mapping[str, Any]:
        """The handshake."""
        client = {"name": "docgenctl clients doctor", "version": __version__}
        found = self.request(
            "initialize", {"protocolVersion": _REVISION, "capabilities": {}, "clientInfo": client}
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return found

    def request(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a request."""
        self._id += 1
        self._send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": dict(params)})
        deadline = time.monotonic() + self._timeout_s
        while True:
            answer = self._receive(method, deadline)
            if answer.get("id") != self._id or "method" in answer:
                continue
            if isinstance(result := answer.get("result"), dict):
                return result
            raise _refused(method, answer.get("error"))

    def close(self) -> None:
        """End it as clients do: close its input, then ask harder."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(OSError):
            self._process.stdin.close()
        for ask in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(3)
                break
            except subprocess.TimeoutExpired:
                ask()
        self._process.wait()
        for reader in self._readers:
            reader.join(1)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(OSError):  # its end is told by the answer that does not come
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _receive(self, method: str, deadline: float) -> Mapping[str, Any]:
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise self._silent(f"{method} got no answer in {self._timeout_s:g} s") from None
        if line is None:
            self._process.wait()
            raise self._silent(f"it ended with exit code {self._process.returncode} instead of answering")
        try:
            message = json.loads(line)
        except ValueError:
            raise self._silent("it writes something else than messages to standard output") from None
        return message if isinstance(message, dict) else {}

    def _silent(self, message: str) -> NotHealthyError:
        hint = "write the entry anew: docgenctl clients connect"
        return NotHealthyError(message, hint=hint, code="not_answered", details=self._log[-_SHOWN:])

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)

    def _read_log(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._log.append(line.decode(errors="replace").rstrip())


def _refused(method: str, answered: Any) -> NotHealthyError:
    error: dict[str, Any] = answered if isinstance(answered, dict) else {"message": "no result"}
    data: Any = error.get("data") if isinstance(error.get("data"), dict) else {}
    hint = str(data.get("hint") or "docgenctl health says more")
    message = str(error.get("message")).removesuffix(f"; {hint}")
    return NotHealthyError(f"{method}: {message}", hint=hint, code=str(data.get("code") or "rpc_error"))
