"""How many calls run at one server at once, over the raw path, and what becomes of those that do not fit."""

import asyncio
import hashlib
import json

import pytest
from docgen_orchestrator.resilience.bulkhead import MOST, Bulkhead

from tests.servers.orchestrator.conftest import CLIENT_KEY, eventually
from tests.servers.orchestrator.fast.conftest import Here

pytestmark = pytest.mark.anyio
OTHER_KEY = "dgk_another-client-key-of-these-tests-0000000000000"


def write_two_keys(here: Here) -> None:
    keys = [
        {"id": key_id, "sha256": hashlib.sha256(raw.encode()).hexdigest()}
        for key_id, raw in (("default", CLIENT_KEY), ("other", OTHER_KEY))
    ]
    new = here.folder / "secrets" / "new"
    new.write_text(json.dumps({"version": 1, "keys": keys}))
    new.rename(here.folder / "secrets" / "api-keys.json")


async def test_one_keys_calls_leave_room_for_another_key_and_nobody_waits_in_a_queue(here: Here) -> None:
    write_two_keys(here)
    await asyncio.sleep(0.5)  # keys are looked at every 0.4 s
    backend = here.app.state.http_protocol.shared.find(b"/mcp/red").targets._view.backends[0]
    most_of_one = Bulkhead().most_of_one

    async def wait(key: str, label: str) -> int:
        answer = await here.call("red_wait", {"label": label}, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code

    waiting = [asyncio.create_task(wait(CLIENT_KEY, f"a{n}")) for n in range(most_of_one)]
    await eventually(lambda: backend.bulkhead.inside == most_of_one, 30)
    full = await here.call("red_echo", {"text": "x"})
    assert full.status_code == 429
    assert full.json()["error"]["code"] == -32012
    assert "red" in full.json()["error"]["message"]
    as_other = {"Authorization": f"Bearer {OTHER_KEY}"}
    assert (await here.call("red_echo", {"text": "x"}, headers=as_other)).status_code == 200
    assert (await here.call("blue_echo", {"text": "x"})).status_code == 200, "another server has its own room"

    waiting += [asyncio.create_task(wait(OTHER_KEY, f"b{n}")) for n in range(MOST - most_of_one)]
    await eventually(lambda: backend.bulkhead.inside == MOST, 30)
    full = await here.call("red_echo", {"text": "x"}, headers=as_other)
    assert (full.status_code, full.headers["retry-after"]) == (503, "1")

    for call in waiting:
        call.cancel()
    await eventually(lambda: backend.bulkhead.inside == 0, 30)
    assert (await here.call("red_echo", {"text": "x"})).status_code == 200


async def test_while_the_process_cannot_keep_up_calls_are_refused_and_lists_are_not(here: Here) -> None:
    deadlines = here.app.state.http_protocol.shared.deadlines
    deadlines.overloaded = True
    refused = await here.call("red_echo", {"text": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, -32012)
    await eventually(lambda: not deadlines.overloaded)  # the next look is on time
    assert (await here.call("red_echo", {"text": "x"})).status_code == 200
