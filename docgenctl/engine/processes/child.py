"""One container of the supervisor: its process, its ports, its log, its health, and what follows its end.

Theory of operation. A child is `created`, then `running`; an end that nobody asked for leads to `restarting`
for a while that doubles with each end (a minute at most, back to the beginning after ten good seconds), and
to `exited` when the policy is `no`. Published ports are bound here and handed to the process, and stay bound
over restarts, so that callers wait instead of being refused. Every change is noted before it is told.
The check runs often until it first succeeds and then at its interval; a child that was found unhealthy is
killed, because what does not answer does not heal by waiting, and restarted like any that died.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from docgenctl.engine.processes.logs import LogWriter
from docgenctl.engine.processes.places import Home, timestamp
from docgenctl.engine.processes.proc import (
    kill_expendable,
    kill_marked,
    kill_session,
    started,
    tie_to_parent,
    use_of,
)
from docgenctl.engine.processes.records import Condition, Made
from docgenctl.model.observed import Health
from docgenctl.model.stack import PortBinding

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GOOD_S = 0.1, 60.0, 10.0
_FIRST_CHECKS_S = 0.4
_MEMORY_EVERY_S = 2.0
_READ = 64 * 1024


class RefusedToStartError(Exception):
    """It cannot be started; `port` is the taken one, 0 for other reasons."""

    def __init__(self, message: str, port: int = 0) -> None:
        super().__init__(message)
        self.port = port


class Watcher(Protocol):
    """What a child needs of its supervisor."""

    def tell(self, made: Made, action: str, **facts: object) -> None:
        """Tell everybody who listens what happened."""

    def wrote(self, container_id: str) -> None:
        """There is more in the log."""

    def wait_for(self, process: "subprocess.Popen[bytes]") -> "asyncio.Future[int]":
        """The end of a process."""


class Child:
    """One container."""

    def __init__(self, home: Home, made: Made, watcher: Watcher) -> None:
        self.made = made
        self.condition = Condition.read(home, made.id)
        self._home = home
        self._watcher = watcher
        self._process: subprocess.Popen[bytes] | None = None
        self._end: asyncio.Future[int] | None = None
        self._ports: dict[int, socket.socket] = {}
        self._log: LogWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._wanted = False
        self._pauses = 0
        self._since = 0.0
        self.ended = asyncio.Event()
        self.ended.set()

    @property
    def active(self) -> bool:
        """Whether it runs or will by itself."""
        return self.condition.state in ("running", "restarting")

    def start(self) -> None:
        """Start it. Raises RefusedToStartError; it is as it was then."""
        if self.active:
            return
        self._bind()
        try:
            self._spawn()
        except OSError as error:
            self._release()
            self.condition.error = f"{self.made.argv[0]}: {error.strerror}"
            self._note()
            raise RefusedToStartError(f"cannot start {self.made.name}: {self.condition.error}") from error
        self._wanted = True
        self._pauses = 0
        self.ended.clear()

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, after the grace SIGKILL; returns when it has ended."""
        self._wanted = False
        if self._again is not None:
            self._again.cancel()
            self._again = None
            self._rest(self.condition.exit_code)
            return
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await self.ended.wait()
        except TimeoutError:
            if self._process is not None:  # it may have ended at the very moment that the grace did
                kill_session(self._process.pid)
            await self.ended.wait()

    # -- starting ----------------------------------------------------------------------------------
    def _bind(self) -> None:
        for port in self.made.ports:
            try:
                self._ports[port.container_port] = _listen(port)
            except OSError as error:
                self._release()
                raise RefusedToStartError(
                    f"port {port.host_port} is taken by another process: {error.strerror}", port.host_port
                ) from error

    def _release(self) -> None:
        for listening in self._ports.values():
            listening.close()
        self._ports.clear()

    def _spawn(self) -> None:
        made = self.made
        descriptors = {port: listening.fileno() for port, listening in self._ports.items()}
        listen = ",".join(f"{port}={descriptor}" for port, descriptor in descriptors.items())
        socket_path = self._home.sockets / made.environment.get("DOCGEN_SOCKET", f"{made.name}.sock")
        socket_path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            made.argv,
            env={**made.environment, **({"DOCGEN_LISTEN": listen} if listen else {})},
            cwd=self._home.sockets,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(descriptors.values()),
            start_new_session=True,
            umask=0o077,
            preexec_fn=_tie(os.getpid()),
        )
        self._log = self._log or LogWriter(self._home, made.id, made.log_rotation)
        self._since = asyncio.get_running_loop().time()
        self._read("stdout", self._process.stdout)
        self._read("stderr", self._process.stderr)
        self._end = self._watcher.wait_for(self._process)
        self._end.add_done_callback(self._ended)
        self._become(
            state="running",
            pid=self._process.pid,
            pid_started=started(self._process.pid),
            started_at=timestamp(),
            health=Health.STARTING.value if made.health_check.command else Health.HEALTHY.value,
            oom_killed=False,
            error="",
        )
        self._watcher.tell(made, "start")
        for watch in (self._watch_health(), self._watch_memory(self._process.pid)):
            task = asyncio.get_running_loop().create_task(watch)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _read(self, stream: str, pipe: object) -> None:
        descriptor = pipe.fileno()  # type: ignore[attr-defined]
        os.set_blocking(descriptor, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, self._more, stream, descriptor)

    def _more(self, stream: str, descriptor: int) -> bool:
        """Take what there is; False when nothing more will come now."""
        try:
            data = os.read(descriptor, _READ)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)
            return False
        if self._log is not None:
            self._log.write(stream, data)
            self._watcher.wrote(self.made.id)
        return True

    # -- ending ------------------------------------------------------------------------------------
    def _ended(self, end: "asyncio.Future[int]") -> None:
        """The process has ended: nothing of it stays behind, and what it said last is in the log."""
        if end.cancelled() or self._process is None:
            return
        for task in tuple(self._tasks):
            task.cancel()
        pid, code = self._process.pid, end.result()
        kill_session(pid)
        kill_marked({self.made.id})
        self._drain()
        self._process = None
        exit_code = 128 - code if code < 0 else code
        ran_s = asyncio.get_running_loop().time() - self._since
        again = self._wanted and self.made.restart != "no"
        if again:
            self._pauses = 0 if ran_s >= _GOOD_S else self._pauses + 1
            pause_s = min(_FIRST_PAUSE_S * 2 ** min(self._pauses, 12), _LONGEST_PAUSE_S)
            self._become(state="restarting", pid=0, pid_started=0, exit_code=exit_code)
            self._again = asyncio.get_running_loop().call_later(pause_s, self._restart)
        else:
            self._rest(exit_code)
        self._watcher.tell(self.made, "die", exit_code=exit_code)

    def _restart(self) -> None:
        self._again = None
        self.condition.restarts += 1
        try:
            self._spawn()
        except OSError as error:
            self.condition.error = f"{self.made.argv[0]}: {error.strerror}"
            self._rest(127)

    def _rest(self, exit_code: int) -> None:
        self._release()
        if self._log is not None:
            self._log.close()
            self._log = None
        socket_path = self._home.sockets / self.made.environment.get("DOCGEN_SOCKET", "none")
        socket_path.unlink(missing_ok=True)
        self._become(state="exited", pid=0, pid_started=0, exit_code=exit_code)
        self._watcher.wrote(self.made.id)
        self.ended.set()

    def _drain(self) -> None:
        if self._process is None:
            return
        for stream, pipe in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            if pipe is not None:
                while self._more(stream, pipe.fileno()):
                    continue
                asyncio.get_running_loop().remove_reader(pipe.fileno())
                pipe.close()
        if self._log is not None:
            self._log.flush()

    # -- watching ----------------------------------------------------------------------------------
    async def _watch_health(self) -> None:
        check = self.made.health_check
        if not check.command:
            return
        failures = 0
        pause_s = min(check.interval_s, _FIRST_CHECKS_S)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pause_s)
            if await self._passes(check.command, check.timeout_s):
                failures, pause_s = 0, check.interval_s
                self._find(Health.HEALTHY)
                continue
            if self.condition.health == Health.STARTING and loop.time() - self._since < check.start_period_s:
                continue
            pause_s = check.interval_s
            failures += 1
            if failures >= check.retries:
                self._find(Health.UNHEALTHY)
                if self.made.restart != "no" and self._process is not None:
                    self._complain(f"not healthy after {failures} checks: ended, and started again")
                    kill_session(self._process.pid)
                    return

    async def _passes(self, command: tuple[str, ...], timeout_s: float) -> bool:
        try:
            process = subprocess.Popen(
                command,
                env=self.made.environment,
                cwd=self._home.sockets,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_tie(os.getpid()),
            )
        except OSError:
            return False
        end = self._watcher.wait_for(process)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(end) == 0
        except TimeoutError:
            return False
        finally:
            if not end.done():
                kill_session(process.pid)

    async def _watch_memory(self, pid: int) -> None:
        while True:
            await asyncio.sleep(_MEMORY_EVERY_S)
            if use_of(pid).memory_bytes > self.made.memory_bytes:
                if number := kill_expendable(pid):
                    self._complain(f"more memory than its limit: {number} processes for one request ended")
                    continue
                self.condition.oom_killed = True
                self._complain("more memory than its limit: ended")
                self._watcher.tell(self.made, "oom")
                kill_session(pid)
                return

    def _find(self, health: Health) -> None:
        if self.condition.health != health:
            self._become(health=health.value)
            self._watcher.tell(self.made, "health", health=health.value)

    def _complain(self, text: str) -> None:
        if self._log is not None:
            self._log.write("stderr", f"supervisor: {text}\n".encode())

    def _become(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.condition, name, value)
        self._note()

    def _note(self) -> None:
        self.condition.write(self._home, self.made.id)


def _tie(supervisor: int) -> Callable[[], None]:
    return lambda: tie_to_parent(supervisor)


def _listen(port: PortBinding) -> socket.socket:
    family = socket.AF_INET6 if ":" in port.host_ip else socket.AF_INET
    return socket.create_server((port.host_ip, port.host_port), family=family, backlog=1024)
