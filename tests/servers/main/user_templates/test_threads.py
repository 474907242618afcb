"""What blocks runs beside the event loop, a few at a time, also when callers do not wait for it."""

import threading

import anyio
import anyio.to_thread
import pytest
from docgen_main.tools.templates import AT_ONCE, Threads

pytestmark = pytest.mark.anyio


async def test_callers_who_leave_do_not_pile_threads_up() -> None:
    work, begun, go = Threads(), threading.Semaphore(0), threading.Event()

    def wait() -> None:
        begun.release()
        go.wait(60)

    for _ in range(AT_ONCE):
        async with anyio.create_task_group() as callers:
            callers.start_soon(work.run, "templates_preview", "", wait)
            assert await anyio.to_thread.run_sync(begun.acquire, True, 30)
            callers.cancel_scope.cancel()
    with anyio.move_on_after(0.1) as patience:
        await work.run("templates_preview", "", wait)
    assert patience.cancelled_caught
    assert not begun.acquire(blocking=False)
    go.set()
    with anyio.fail_after(30):
        assert await work.run("templates_preview", "", lambda: "done") == "done"


async def test_a_caller_who_left_before_it_began_takes_no_place() -> None:
    work = Threads()
    for _ in range(2 * AT_ONCE):
        with anyio.CancelScope() as left:
            left.cancel()
            await work.run("templates_preview", "", lambda: None)
    with anyio.fail_after(30):
        assert await work.run("templates_preview", "", lambda: "done") == "done"
