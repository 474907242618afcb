"""A store whose name is gone with its container: greeting it again and again leaves nothing in the log."""

import asyncio
import gc
from typing import Any

import pytest
import uvloop
from docgen_orchestrator.shared_limits import store as module
from docgen_orchestrator.shared_limits.store import StoreAwayError, ValkeyStore

NAME = "store.invalid"


def test_a_look_up_that_was_given_up_is_no_exception_that_nobody_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0001)
    assert uvloop.run(greeted()) == []


async def greeted() -> list[dict[str, Any]]:
    """What the loop would have written into the log, once all look-ups have ended."""
    loop = asyncio.get_running_loop()
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    away = ValkeyStore(NAME, 6379, None)
    for _ in range(5):
        with pytest.raises(StoreAwayError):
            await away.greet()
    await away.close()
    for _ in range(10):
        with pytest.raises(OSError, match=r"."):
            await loop.getaddrinfo(NAME, 6379)
    gc.collect()
    await asyncio.sleep(0)
    return told
