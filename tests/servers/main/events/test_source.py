"""Ids on the wire name the process that gave them."""

import asyncio

from docgen_main.events import Hub
from docgen_main.events.source import event_source


def first_id(hub: Hub, after: str | None = None) -> tuple[str, str]:
    async def run() -> tuple[str, str]:
        stream = event_source(hub)(after, None)
        event = await anext(stream)
        await stream.aclose()
        return event.type, event.id

    return asyncio.run(run())


def test_an_id_of_an_earlier_process_is_a_gap_never_a_place() -> None:
    before, after = Hub(), Hub()
    for _ in range(3):
        before.publish("file.written")
        after.publish("file.written")
    kind, old = first_id(before)
    assert kind == "events.ready"
    assert first_id(after, old)[0] == "events.missed"


def test_whoever_leaves_is_forgotten() -> None:
    hub = Hub()
    first_id(hub)
    assert hub.listening == 0
