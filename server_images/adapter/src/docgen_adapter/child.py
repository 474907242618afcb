"""Runs a server that speaks over its pipes, and carries messages to and from it.

Theory of operation. MCP over stdio is one JSON-RPC message a line. The program is not trusted: a line may be
anything, of any length, and the program may end, hang or stop reading at any time. So a line is never kept
beyond a bound (what was thrown away fails the request that it answered), what is no message is logged and
passed over, and reading is never ahead of what is taken. When its output ends, whatever the reason, the pair
of streams is closed, which fails all that waits for an answer. Leaving the context ends the program and its
session, within bounds of its own, and nothing of it stays behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter

from docgen_adapter.lines import Lines, TooLong
from docgen_adapter.options import MOST_BYTES, Program
from docgen_adapter.told_lines import ToldLines

STOP_SECONDS = 2.0
"""How long a program may take to end after its input was closed, and again after SIGTERM."""

_CHUNK = 64 * 1024
_LAST_SECONDS = 0.5


@dataclass(frozen=True)
class Child:
    """A running program: what it says, what it is told, and how it ended once ``ended`` is set."""

    read: MemoryObjectReceiveStream[SessionMessage | Exception]
    write: MemoryObjectSendStream[SessionMessage]
    ended: asyncio.Event
    process: Process

    @property
    def end(self) -> str:
        """How it ended, for people."""
        code = self.process.returncode
        if code is None:
            return "it closed its output"
        return (
            f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with exit code {code}"
        )

    def kill(self) -> None:
        """End it at once, with all of its session."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@asynccontextmanager
async def running(program: Program, told: ToldLines, *, most_bytes: int = MOST_BYTES) -> AsyncIterator[Child]:
    """The program, from its start to its end. Raises OSError when it cannot be started."""
    _find(program)
    process = await asyncio.create_subprocess_exec(
        *program.command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=dict(program.environment),
        cwd=program.directory,
        start_new_session=True,
    )
    into, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, out_of = anyio.create_memory_object_stream[SessionMessage](0)
    child = Child(read, write, asyncio.Event(), process)
    tasks = [
        asyncio.create_task(_listen(process, into, told, child.ended, most_bytes)),
        asyncio.create_task(_speak(process, out_of, into)),
        asyncio.create_task(_overhear(process, told)),
    ]
    try:
        yield child
    finally:
        await asyncio.shield(asyncio.create_task(_finish(process, tasks)))
        for stream in (into, read, write, out_of):
            stream.close()


def _find(program: Program) -> None:
    """Raise OSError, with a text of ours, for a program that is not there."""
    name = program.command[0]
    if shutil.which(name, path=program.environment["PATH"]) is None:
        raise OSError(f"there is no program {name}")


async def _listen(
    process: Process,
    into: MemoryObjectSendStream[SessionMessage | Exception],
    told: ToldLines,
    ended: asyncio.Event,
    most_bytes: int,
) -> None:
    """Messages from the program, until its output ends."""
    assert process.stdout is not None  # noqa: S101 - asked for
    lines = Lines(most_bytes)
    try:
        while data := await process.stdout.read(_CHUNK):
            for line in lines.feed(data):
                if isinstance(line, TooLong):
                    message = _instead_of(line, told)
                    if message is None:
                        return  # nobody can say who waits for it: all who wait must learn of it
                else:
                    message = _message(line, told)
                if message is not None:
                    await into.send(message)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await _gone(process)
        ended.set()  # first, so that who learns that it is over can learn how
        into.close()


def _message(line: bytes, told: ToldLines) -> SessionMessage | None:
    if not line.strip():
        return None
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except (ValueError, RecursionError):
        told.tell("the program wrote something that is no message", line, level="warning")
        return None


def _instead_of(line: TooLong, told: ToldLines) -> SessionMessage | None:
    """An error for whoever waits for a line that was too long; None when the line does not say who."""
    told.tell(f"the program wrote a message of {line.size} bytes", line.head[:200], level="warning")
    answered = line.answered
    if answered is None:
        return None
    text = f"The server's answer is larger than {MOST_BYTES // 2**20} MiB"
    error = JSONRPCError(jsonrpc="2.0", id=answered, error=ErrorData(code=INTERNAL_ERROR, message=text))
    return SessionMessage(error)


async def _speak(
    process: Process,
    out_of: MemoryObjectReceiveStream[SessionMessage],
    into: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    """Messages to the program; one that cannot be told anything any more is as good as ended."""
    assert process.stdin is not None  # noqa: S101 - asked for
    try:
        async for item in out_of:
            process.stdin.write(
                item.message.model_dump_json(by_alias=True, exclude_unset=True).encode("utf-8", "replace")
                + b"\n"
            )
            await process.stdin.drain()
    except (OSError, RuntimeError):
        into.close()


async def _overhear(process: Process, told: ToldLines) -> None:
    """What the program writes to stderr, into the log."""
    assert process.stderr is not None  # noqa: S101 - asked for
    lines = Lines(_CHUNK)
    while data := await process.stderr.read(_CHUNK):
        for line in lines.feed(data):
            told.tell("stderr", line.head if isinstance(line, TooLong) else line)


async def _finish(process: Process, tasks: list[asyncio.Task[None]]) -> None:
    """Close its input and wait; then SIGTERM; then SIGKILL, for its whole session."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await _gone(process)
                break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what it started and left behind
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(process: Process) -> None:
    """Until it has ended; `wait` would also wait for pipes that somebody else still holds."""
    while process.returncode is None:
        await asyncio.sleep(0.01)
