"""A file that docgenctl may replace while the orchestrator serves; it is taken over within half a second.

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
from typing import Generic, TypeVar

import structlog
from docgen_common.errors import SettingsError

LOOK_SECONDS = 0.25
_AGAIN_SECONDS = 0.5
_MAX_BYTES = 8 * 1024 * 1024
_log = structlog.stdlib.get_logger("docgen.files")

Stamp = tuple[int, ...]
Content = TypeVar("Content")


class FollowedFile(Generic[Content]):
    """The file ``name`` in ``folder``; ``parse`` makes of its bytes what it says, or raises SettingsError.

    ``trouble`` is why what it says is not in force, empty when it is. ``without`` is in force as long as
    there never was such a file; without it there has to be one.
    """

    def __init__(
        self, folder: Path, name: str, parse: Callable[[bytes], Content], without: Content | None = None
    ) -> None:
        self.trouble = ""
        self._folder = folder
        self._name = name
        self._parse = parse
        self._without = without
        self._stamp: Stamp | None = None
        self._content: Content | None = None

    def load(self) -> Content:
        """What it says now. Raises SettingsError."""
        found = self._read(None)
        assert found is not None  # noqa: S101 - no stamp is the same as none
        self._stamp, self._content = found
        return self._content

    async def follow(self, take_over: Callable[[Content], Awaitable[None]]) -> None:
        """Hand whatever else it says to ``take_over``, which may raise SettingsError, until cancelled."""
        while True:
            await asyncio.sleep(_AGAIN_SECONDS if self.trouble else LOOK_SECONDS)
            try:
                found = await asyncio.to_thread(self._read, None if self.trouble else self._stamp)
                if found is not None:
                    await self._switch(*found, take_over)
            except SettingsError as error:
                self._kept(str(error))

    async def _switch(
        self, stamp: Stamp, content: Content, take_over: Callable[[Content], Awaitable[None]]
    ) -> None:
        if content != self._content:
            await take_over(content)
            _log.info("taken over", file=self._name)
        self._stamp, self._content, self.trouble = stamp, content, ""

    def _kept(self, reason: str) -> None:
        if reason != self.trouble:
            _log.error("last good one kept", file=self._name, reason=reason)
        self.trouble = reason

    def _read(self, stamp: Stamp | None) -> tuple[Stamp, Content] | None:
        """The file's stamp and what it says, None when it is the one of ``stamp``. Raises SettingsError."""
        try:
            found = _read_if_changed(self._folder, self._name, stamp)
        except FileNotFoundError:
            if self._stamp or self._without is None:
                raise SettingsError(f"{self._name} cannot be read: there is no such file") from None
            return None if stamp == () else ((), self._without)
        except OSError as error:
            raise SettingsError(f"{self._name} cannot be read: {error.strerror}") from None
        return None if found is None else (found[0], self._parse(found[1]))


def _read_if_changed(folder: Path, name: str, stamp: Stamp | None) -> tuple[Stamp, bytes] | None:
    """The file's new stamp and bytes, or None when it is the one of ``stamp``. Raises OSError."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        new = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        return None if new == stamp else (new, file.read(_MAX_BYTES))
