"""The hub's events as they go over the wire: ids that outlive nothing, and only to whom they may go."""

import secrets
import time
from collections.abc import AsyncGenerator

from docgen_common.event_stream import MISSED, READY, CutOffError, Source, StreamEvent

from docgen_main.events.hub import Event, Hub, SlowListenerError


def event_source(hub: Hub) -> Source:
    """A source on `hub`.

    An id names this process too: numbers begin anew with each start, so that an id of an earlier one means
    that events were missed, never a wrong place to go on from.
    """
    epoch = secrets.token_hex(4)

    async def events(after: str | None, caller: str | None) -> AsyncGenerator[StreamEvent, None]:
        number, foreign = _number(after, epoch)
        with hub.subscribe(after=number) as listener:
            first = MISSED if foreign or listener.missed else READY
            yield StreamEvent(f"{epoch}-{listener.start}", first, time.time(), {})
            try:
                async for event in listener:
                    if event.owner is None or event.owner == caller:
                        yield _told(event, epoch)
            except SlowListenerError:
                raise CutOffError from None

    return events


def _number(after: str | None, epoch: str) -> tuple[int | None, bool]:
    """The number in an id of ours, and whether the id is not one."""
    if after is None:
        return None, False
    start, _, number = after.partition("-")
    if start == epoch and number.isascii() and number.isdigit() and len(number) <= 18:
        return int(number), False
    return None, True


def _told(event: Event, epoch: str) -> StreamEvent:
    return StreamEvent(f"{epoch}-{event.id}", event.type, event.time, event.data)
