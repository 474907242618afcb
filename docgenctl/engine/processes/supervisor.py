"""The process that runs the others: `python -m docgenctl.engine.processes.supervisor HOME`.

It holds the lock of the home as long as it lives, so there is one; it serves the control socket, restarts
what dies, and ends when nothing runs and nobody listens. SIGTERM ends everything in order. When it is killed
its processes are killed by the kernel, and what those have started is found by its mark and killed by the
next supervisor, before anything is started. It has one thread, from which everything is forked: the kernel
ties processes to the thread that made them.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from docgenctl.engine.processes.child import Child, RefusedToStartError
from docgenctl.engine.processes.logs import remove_logs
from docgenctl.engine.processes.places import Home, documents
from docgenctl.engine.processes.proc import become_subreaper, kill_marked
from docgenctl.engine.processes.records import RUNNING, Condition, Made, forget
from docgenctl.model.errors import EngineError

EXIT_ANOTHER = 3
_IDLE_S = 2.0
_STOP_S = 12.0
_LEAVING_S = 0.5

Answer = dict[str, Any]


class Supervisor:
    """Everything of one home that runs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._children: dict[str, Child] = {}
        self._ends: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}
        self._listeners: dict[asyncio.Queue[Answer | None], str] = {}
        self._followers: dict[asyncio.Event, str] = {}
        self._talks = 0
        self._idle: asyncio.TimerHandle | None = None
        self._left = asyncio.Event()
        self._over = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until idle or told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        self._take_over()
        self._home.control.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._talk, "control.sock")
        ready()
        self._consider_ending()
        await self._over.wait()
        server.close()
        self._home.control.unlink(missing_ok=True)
        await asyncio.gather(*(child.stop(_STOP_S) for child in self._children.values()))
        for queue in self._listeners:
            queue.put_nowait(None)

    # -- what children need ------------------------------------------------------------------------
    def tell(self, made: Made, action: str, **facts: object) -> None:
        """See Watcher."""
        event = {"service": made.service, "container_id": made.id, "action": action, **facts}
        for queue, project in self._listeners.items():
            if project == made.project:
                queue.put_nowait(event)
        self._consider_ending()

    def wrote(self, container_id: str) -> None:
        """See Watcher."""
        for event, followed in self._followers.items():
            if followed == container_id:
                event.set()

    def wait_for(self, process: "subprocess.Popen[bytes]") -> "asyncio.Future[int]":
        """See Watcher."""
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ends[process.pid] = (process, end)
        asyncio.get_running_loop().call_soon(self._reap)  # it may have ended before it was known here
        return end

    # -- requests ----------------------------------------------------------------------------------
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks += 1
        try:
            line = await reader.readline()
            if line:
                request = json.loads(line)
                await self._DO[request["do"]](self, request, reader, writer)
        except (OSError, ValueError, KeyError):
            traceback.print_exc()
        finally:
            self._talks -= 1
            self._left.set()
            writer.close()
            self._consider_ending()

    async def _start(self, request: Answer, _: Any, writer: asyncio.StreamWriter) -> None:
        await _answer(writer, self._started(request["id"]))

    def _started(self, container_id: str) -> Answer:
        child = self._child(container_id)
        if child is None:
            return _error(f"No such container: {container_id}")
        try:
            child.start()
        except RefusedToStartError as error:
            return _error(str(error), port=error.port)
        except EngineError as error:
            return _error(error.message)
        return {"ok": True}

    async def _stop(self, request: Answer, _: Any, writer: asyncio.StreamWriter) -> None:
        child = self._children.get(request["id"])
        if child is not None:
            await child.stop(request["grace_s"])
        await _answer(writer, {"ok": True})

    async def _restart(self, request: Answer, _: Any, writer: asyncio.StreamWriter) -> None:
        child = self._children.get(request["id"])
        if child is not None:
            await child.stop(request["grace_s"])
        await _answer(writer, self._started(request["id"]))

    async def _remove(self, request: Answer, _: Any, writer: asyncio.StreamWriter) -> None:
        container_id = request["id"]
        child = self._child(container_id)
        if child is not None:
            await child.stop(0.0)
            self._children.pop(container_id, None)
            forget(self._home, container_id)
            remove_logs(self._home, container_id)
            self.tell(child.made, "destroy")
        await _answer(writer, {"ok": True})

    async def _events(
        self, request: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        queue: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._listeners[queue] = request["project"]
        gone = asyncio.ensure_future(reader.read())
        gone.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            await _answer(writer, {"ok": True})
            while (event := await queue.get()) is not None:
                await _answer(writer, event)
        finally:
            del self._listeners[queue]
            gone.cancel()

    async def _follow(
        self, request: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """An empty answer whenever there is more to read; the end when the container has ended."""
        container_id = request["id"]
        more = asyncio.Event()
        self._followers[more] = container_id
        gone = asyncio.ensure_future(reader.read())
        gone.add_done_callback(lambda _: more.set())
        try:
            while True:
                child = self._children.get(container_id)
                over = child is None or not child.active or gone.done()
                await _answer(writer, {})
                if over:
                    return
                await more.wait()
                more.clear()
        finally:
            del self._followers[more]
            gone.cancel()

    async def _end(self, _: Answer, __: Any, writer: asyncio.StreamWriter) -> None:
        """End now, without waiting whether more comes, if nothing runs and nobody else is here."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_S):  # who has just hung up counts as gone
                while self._talks > 1:
                    self._left.clear()
                    await self._left.wait()
        if self._talks == 1 and not any(child.active for child in self._children.values()):
            self._over.set()
        await _answer(writer, {"ok": True})

    _DO: dict[str, Callable[..., Awaitable[None]]] = {  # noqa: RUF012 - a table of methods
        "start": _start,
        "stop": _stop,
        "restart": _restart,
        "remove": _remove,
        "events": _events,
        "follow": _follow,
        "end": _end,
    }

    # -- the rest ----------------------------------------------------------------------------------
    def _child(self, container_id: str) -> Child | None:
        child = self._children.get(container_id)
        if child is None:
            made = Made.read(self._home, container_id)
            if made is None:
                return None
            child = self._children[container_id] = Child(self._home, made, self)
        return child

    def _take_over(self) -> None:
        """A supervisor before this one was killed: end what it left, and note that nothing runs."""
        left = set()
        for document in documents(self._home.containers):
            condition = Condition.read(self._home, document["id"])
            if condition.state in RUNNING:
                left.add(document["id"])
                condition.state, condition.exit_code, condition.pid = "exited", 137, 0
                condition.write(self._home, document["id"])
        if left:
            kill_marked(left)

    def _reap(self) -> None:
        for pid, (process, end) in tuple(self._ends.items()):
            code = process.poll()
            if code is not None:
                del self._ends[pid]
                if not end.done():
                    end.set_result(code)
        self._reap_strangers()

    def _reap_strangers(self) -> None:
        """Grandchildren that were left to us; ours are waited for above, by their own ids."""
        with suppress(ChildProcessError):
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid in self._ends:
                    return
                os.waitpid(found.si_pid, os.WNOHANG)

    def _consider_ending(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._talks and not any(child.active for child in self._children.values()):
            self._over.set()


async def _answer(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()


def _error(message: str, port: int = 0) -> Answer:
    return {"error": {"kind": "port_taken" if port else "engine", "message": message, "port": port}}


def main(path: str) -> int:
    """Become the supervisor of a home; returns in the calling process when it listens, or another does."""
    os.chdir(path)
    os.umask(0o077)
    lock = os.open("supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return EXIT_ANOTHER
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return 0 if os.read(told, 1) else 1
    os.close(told)
    become_subreaper()

    def ready() -> None:
        os.write(tell, b"1")
        os.close(tell)

    asyncio.run(_supervise(Home(Path(path)), ready))
    return 0


async def _supervise(home: Home, ready: Callable[[], None]) -> None:
    await Supervisor(home).run(ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
