"""A server with small limits and a few routes, for the tests of what all servers share."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator

import structlog
from docgen_common.app import create_app
from docgen_common.auth import current_caller
from docgen_common.event_stream import EventStream, StreamEvent
from docgen_common.health import CheckResult
from docgen_common.legacy_sessions import SessionLimits
from docgen_common.limits import Limits
from docgen_common.serve import run
from docgen_common.settings import ServerSettings
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route


async def length(request: Request) -> JSONResponse:
    return JSONResponse(len(await request.body()))


async def stream(_: Request) -> StreamingResponse:
    async def parts():
        while True:
            yield b": still here\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(parts(), media_type="text/event-stream")


async def sleep(_: Request) -> JSONResponse:
    await asyncio.sleep(60)
    return JSONResponse("late")


async def crash(_: Request) -> JSONResponse:
    raise RuntimeError("the inside is nobody's business")


async def say(_: Request) -> JSONResponse:
    structlog.get_logger().info(
        "through structlog", api_key="dgk_secret", nested={"Authorization": "Bearer x"}
    )
    logging.getLogger("lib").warning("through %s", "logging", extra={"password": "dgk_secret"})
    return JSONResponse("said")


async def whom(_: Request) -> JSONResponse:
    return JSONResponse(current_caller())


async def flood(after: str | None, caller: str | None) -> AsyncGenerator[StreamEvent, None]:
    """More than anybody reads."""
    for number in range(1_000_000):
        yield StreamEvent(str(number), "flood", 0.0, {"after": after, "caller": caller, "text": "x" * 50_000})
        await asyncio.sleep(0)


def build(settings: ServerSettings) -> Starlette:
    calls = iter(range(1000))

    async def counted() -> CheckResult:
        return CheckResult(True, f"run {next(calls)}")

    async def broken() -> CheckResult:
        raise RuntimeError("/host/path/of/something")

    options = settings.options()
    return create_app(
        MCPServer("probe"),
        settings,
        checks={"counted": counted, **({"broken": broken} if options.get("broken") else {})},
        routes=[
            Route("/length", length, methods=["POST"]),
            Route("/stream", stream),
            Route("/sleep", sleep),
            Route("/crash", crash),
            Route("/say", say),
            Route("/whom", whom),
        ],
        events=EventStream(flood, listeners_most=2, patience_s=0.3),
        websocket=True,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            body_seconds=1.0,
            request_seconds=float(options.get("seconds", 60)),
            stream_seconds=float(options.get("stream_seconds", 3600)),
        ),
        sessions=SessionLimits(**options["sessions"]) if "sessions" in options else None,
    )


sys.exit(run(build))
