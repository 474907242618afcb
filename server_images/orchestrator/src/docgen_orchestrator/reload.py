"""Takes over another ``routing.yaml`` while the orchestrator serves, within a second of its arrival.

The folder is a versioned one behind a ``current`` link. Each look opens the folder once and reads from that
descriptor, so a switch of the link in between cannot mix two versions. A file that cannot be used changes
nothing: the last good one stays in force, the reason is logged once and told by readiness, and the file is
tried again now and then, because what it needs (a new server's key) may come a moment later.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from docgen_common.errors import SettingsError

from docgen_orchestrator.routing import FILE_NAME, MAX_FILE_BYTES, Routing, parse_routing

LOOK_SECONDS = 0.25
_AGAIN_SECONDS = 0.5
_log = structlog.stdlib.get_logger("docgen.routing")

Stamp = tuple[int, ...]


class RoutingFile:
    """``routing.yaml`` in ``folder``; ``trouble`` is why what it says is not in force, empty when it is."""

    def __init__(self, folder: Path) -> None:
        self.trouble = ""
        self._folder = folder
        self._stamp: Stamp | None = None
        self._routing: Routing | None = None

    def load(self) -> Routing:
        """What it says now. Raises SettingsError."""
        found = self._read(None)
        assert found is not None  # noqa: S101 - no stamp is the same as none
        self._stamp, self._routing = found
        return self._routing

    async def follow(self, take_over: Callable[[Routing], Awaitable[None]]) -> None:
        """Hand every other routing to ``take_over``, which may raise SettingsError, until cancelled."""
        while True:
            await asyncio.sleep(_AGAIN_SECONDS if self.trouble else LOOK_SECONDS)
            try:
                changed = await asyncio.to_thread(self._read, None if self.trouble else self._stamp)
                if changed is not None:
                    await self._switch(*changed, take_over)
            except SettingsError as error:
                self._kept(str(error))

    async def _switch(
        self, stamp: Stamp, routing: Routing, take_over: Callable[[Routing], Awaitable[None]]
    ) -> None:
        if routing != self._routing:
            await take_over(routing)
            _log.info("routing taken over")
        self._stamp, self._routing, self.trouble = stamp, routing, ""

    def _kept(self, reason: str) -> None:
        if reason != self.trouble:
            _log.error("routing kept", reason=reason)
        self.trouble = reason

    def _read(self, stamp: Stamp | None) -> tuple[Stamp, Routing] | None:
        """The file's stamp and what it says, None when it is the one of ``stamp``. Raises SettingsError."""
        try:
            found = read_if_changed(self._folder, FILE_NAME, stamp)
        except OSError as error:
            raise SettingsError(f"{FILE_NAME} cannot be read: {error.strerror}") from None
        if found is None:
            return None
        try:
            return found[0], parse_routing(found[1].decode("utf-8"))
        except UnicodeDecodeError:
            raise SettingsError(f"{FILE_NAME} cannot be read: it is not UTF-8 text") from None


def read_if_changed(folder: Path, name: str, stamp: Stamp | None) -> tuple[Stamp, bytes] | None:
    """The file's new stamp and bytes, or None when it is the one of ``stamp``. Raises OSError."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        new = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        return None if new == stamp else (new, file.read(MAX_FILE_BYTES))
