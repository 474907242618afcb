"""Puts the adapter together from its settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docgen_common.app import create_app
from docgen_common.settings import ServerSettings
from starlette.applications import Starlette

from docgen_adapter.changes import Changes
from docgen_adapter.front import build_front
from docgen_adapter.kept_connection import KeptConnection
from docgen_adapter.links import link_to
from docgen_adapter.options import Program, read_options
from docgen_adapter.readiness import server_check
from docgen_adapter.relay import Relay
from docgen_adapter.told_lines import ToldLines

#: How often a server that nobody calls is looked at, in seconds: one of ours, and one elsewhere.
LOOK_SECONDS, LOOK_FAR_SECONDS = 5.0, 60.0


def build_app(settings: ServerSettings) -> Starlette:
    """The ASGI app that the container runs. Raises SettingsError."""
    target = read_options(settings)
    near = isinstance(target, Program) or target.proxy is None
    told = ToldLines()
    changes = Changes(told)
    kept = KeptConnection(
        link_to(target, told, changes.on_notification),
        changes.connected,
        look_every_s=LOOK_SECONDS if near else LOOK_FAR_SECONDS,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        keeping = asyncio.create_task(kept.run())
        try:
            yield
        finally:
            changes.close()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    return create_app(
        build_front(settings.server, Relay(kept), changes),
        settings,
        checks={"server": server_check(kept, every_s=1.0 if near else 10.0)},
        lifespan=lifespan,
    )
