"""Notice files that change on the disk, by whatever means, for as long as somebody listens.

Theory of operation. Every look walks the files that belong to the project, through the guard and by its
ignore rules, and compares size and time of each with the look before; nothing is read. That works on every
mount, where the kernel's notifications end at some (network shares, the virtual machines of desktops), and
needs no watch for each directory. Between two looks at least a second passes, and at least twenty times what
a look took, so that watching costs a twentieth of a core at most. While nobody listens nothing is done.
"""

import asyncio
import time
from collections.abc import Iterable

import anyio.to_thread

from docgen_main.events.hub import Hub
from docgen_main.facts.walk import walk
from docgen_main.workspace import Workspace, display

#: Paths told after one look; of more changes the rest is told as one event about the whole workspace.
TOLD_MOST = 100
_FILES_MOST = 50_000
_SHARE = 20

Seen = dict[str, tuple[int, float]]


class FileWatch:
    """Publishes `file.changed` with path and change: `created`, `modified` or `deleted`.

    The output folder is left out: what is written there is told by whoever writes it.
    """

    def __init__(self, workspace: Workspace, hub: Hub, *, every_s: float = 1.0) -> None:
        self._workspace = workspace
        self._hub = hub
        self._every_s = every_s

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._hub.until_watched()
            await self._watch()

    async def _watch(self) -> None:
        """Look again and again, until nobody listens any more."""
        seen, took_s = await self._look()
        while self._hub.watched:
            await asyncio.sleep(max(self._every_s, _SHARE * took_s))
            now, took_s = await self._look()
            self._tell(changes(seen, now))
            seen = now

    async def _look(self) -> tuple[Seen, float]:
        begun = time.monotonic()
        seen = await anyio.to_thread.run_sync(self._seen)
        return seen, time.monotonic() - begun

    def _seen(self) -> Seen:
        found: Seen = {}
        workspace = self._workspace
        for path, entry in walk(workspace, lambda _: None, leave_out=workspace.output):
            if entry.kind == "file":
                found[display(path)] = (entry.size, entry.modified)
            if len(found) >= _FILES_MOST:
                break
        return found

    def _tell(self, found: Iterable[tuple[str, str]]) -> None:
        for number, (path, change) in enumerate(found):
            if number == TOLD_MOST:
                self._hub.publish("file.changed", path=".", change="many")
                return
            self._hub.publish("file.changed", path=path, change=change)


def changes(before: Seen, after: Seen) -> list[tuple[str, str]]:
    """Path and kind of each difference between two looks, in order of path."""
    found = [(path, "created") for path in after.keys() - before.keys()]
    found += [(path, "deleted") for path in before.keys() - after.keys()]
    found += [(path, "modified") for path in after.keys() & before.keys() if after[path] != before[path]]
    return sorted(found)
