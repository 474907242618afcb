"""Files that change on the disk are told while somebody listens, and only files of the project."""

import asyncio
import os
from pathlib import Path

from docgen_main.events import Event, Hub, Subscription
from docgen_main.events.announcing import announce
from docgen_main.events.watching import TOLD_MOST, FileWatch, changes
from docgen_main.workspace import Workspace
from mcp.server.subscriptions import InMemorySubscriptionBus


class Watched:
    """A workspace that is watched quickly, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        (folder / "docs" / "generated").mkdir(parents=True)
        (folder / ".gitignore").write_text("ignored.txt\n")
        (folder / "there.py").write_text("x = 1\n")
        self.hub = Hub()
        self.watch = FileWatch(Workspace(str(folder), "docs/generated"), self.hub, every_s=0.02)


async def taken(listener: Subscription, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(10):
        async for event in listener:
            found.append(event)
            if len(found) == count:
                break
    return found


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.data["path"], event.data["change"]) for event in events]


def test_what_is_made_changed_and_removed_is_told_but_not_what_does_not_belong(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def run() -> None:
        watching = asyncio.ensure_future(watched.watch.run())
        with watched.hub.subscribe() as listener:
            await settled(watched, listener, tmp_path)
            for name in ("ignored.txt", ".env", "docs/generated/a.md"):
                (tmp_path / name).write_text("x")
            (tmp_path / "new.py").write_text("y = 2\n")
            assert told(await taken(listener, 1)) == [("new.py", "created")]
            (tmp_path / "there.py").write_text("x = 22\n")
            assert told(await taken(listener, 1)) == [("there.py", "modified")]
            (tmp_path / "new.py").unlink()
            assert told(await taken(listener, 1)) == [("new.py", "deleted")]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(run())


async def settled(watched: Watched, listener: Subscription, folder: Path) -> None:
    """The first look may come after a change: make changes until one is told."""
    probe = folder / "probe.py"
    waiting = asyncio.ensure_future(taken(listener, 1))
    number = 0
    while not waiting.done():
        number += 1
        probe.write_text("z\n" * number)
        await asyncio.wait({waiting}, timeout=0.05)
    waiting.result()
    probe.unlink()
    while (await taken(listener, 1))[0].data["change"] != "deleted":
        pass


def test_nothing_is_looked_at_while_nobody_listens(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    looks: list[int] = []
    entries = watched.watch._workspace.entries
    watched.watch._workspace.entries = lambda *a, **k: looks.append(1) or entries(*a, **k)  # type: ignore[method-assign,func-returns-value]

    async def run() -> None:
        watching = asyncio.ensure_future(watched.watch.run())
        announcing = asyncio.ensure_future(
            announce(watched.hub, InMemorySubscriptionBus(), watched.watch._workspace)
        )
        for _ in range(10):
            await asyncio.sleep(0)
        assert watched.hub.listening == 1
        assert not watched.hub.watched
        assert looks == []
        for work in (watching, announcing):
            work.cancel()
        await asyncio.gather(watching, announcing, return_exceptions=True)

    asyncio.run(run())


def test_a_flood_of_changes_is_told_as_one(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    flood = [(f"{number:03}.py", "created") for number in range(TOLD_MOST + 50)]

    async def run() -> None:
        with watched.hub.subscribe(queued=1_000) as listener:
            watched.watch._tell(flood)
            assert told(await taken(listener, TOLD_MOST + 1))[-2:] == [flood[TOLD_MOST - 1], (".", "many")]
        assert watched.hub.last_id == TOLD_MOST + 1

    asyncio.run(run())


def test_a_change_that_leaves_the_size_is_a_change(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    before = watched.watch._seen()
    os.utime(tmp_path / "there.py", (1, 1))
    assert changes(before, watched.watch._seen()) == [("there.py", "modified")]
