"""How a connection to each kind of server is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from docgen_adapter.child import running
from docgen_adapter.connection import NotMcpError, OnNotification, negotiated
from docgen_adapter.kept_connection import Connect, Link
from docgen_adapter.options import Address, Program
from docgen_adapter.remote import connected
from docgen_adapter.told_lines import ToldLines

_LAST_SECONDS = 1.0  # for a program that is ending to have ended


def link_to(target: Program | Address, told: ToldLines, on_notification: OnNotification) -> Connect:
    """What connects to a program or an address."""

    @asynccontextmanager
    async def to_program() -> AsyncIterator[Link]:
        assert isinstance(target, Program)  # noqa: S101 - chosen below
        async with running(target, told) as child:
            try:
                async with negotiated((child.read, child.write), on_notification) as connection:
                    yield Link(connection, child.ended, lambda: child.end, child.kill)
            except NotMcpError:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_SECONDS):
                        await child.ended.wait()
                        raise NotMcpError(child.end) from None
                raise

    @asynccontextmanager
    async def to_address() -> AsyncIterator[Link]:
        assert isinstance(target, Address)  # noqa: S101 - chosen below
        lost = asyncio.Event()
        async with connected(target) as streams, negotiated(streams, on_notification) as connection:
            yield Link(connection, lost, lambda: "its session ended", lost.set)

    return to_program if isinstance(target, Program) else to_address
