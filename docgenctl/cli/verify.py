"""`docgenctl verify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docgenctl.model.verification import Leg, Times, Verification

app = new_app()


@app.command()
def verify(
    count: Annotated[int, typer.Option("--count", min=2, help="How many calls to make.")] = 200,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="Also streams: first frame, frames counted, and how soon a closed one ends in the services."
            " Makes a few documents in the output folder and removes them.",
        ),
    ] = False,
    direct: Annotated[
        bool,
        typer.Option(
            "--direct", help="Also the server alone, asked from inside the orchestrator's container."
        ),
    ] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Measure calls through the stack, and whether streams arrive whole and end in time."""
    from docgenctl.actions.open_engine import open_engine
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.verify import verify as measure

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    found = measure(
        opened, open_engine(opened), count=count, streaming=stream, direct=direct, say=console.note
    )
    if json_mode:
        console.json(_document(found))
    else:
        for line in _lines(found):
            console.line(line)
    if not found.good:
        raise typer.Exit(ExitCode.NOT_HEALTHY)


def _lines(found: Verification) -> Iterator[str]:
    through, direct, streams = found.through, found.direct, found.streams
    first = f", the first with connecting {through.first_ms:.1f} ms" if through.first_ms is not None else ""
    yield f"calls    {through.tool}: {_told(through.times)}{first}, {through.failed} failed"
    yield f"         {through.path}"
    if direct is not None:
        yield f"direct   {direct.tool}: {_told(direct.times)}"
        yield f"         {direct.path}"
        median, rare = (_difference(through, direct, share) for share in (0.5, 0.99))
        yield f"added    {median} at the median, {rare} at p99"
    if streams is not None:
        yield (
            f"streams  {streams.streams} of {streams.tool}, {streams.frames} frames: {streams.lost} lost,"
            f" {streams.out_of_order} out of order, {streams.foreign} of others"
        )
        yield f"         time to the first frame: {_told(streams.first_frame)}"
    for one in found.cancels:
        unseen = f", {one.unseen} never seen" if one.unseen else ""
        yield f"cancel   time until a closed stream ends in {one.service}: {_told(one.times)}{unseen}"
    for note in found.notes:
        yield f"note     {note}"
    yield "✔ nothing was lost" if found.good else "✘ not as it should be"


def _told(times: Times) -> str:
    values = [(name, times.at(share)) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))]
    said = ", ".join(f"{name} {value:.1f} ms" for name, value in values if value is not None)
    return f"{len(times.values_ms)} times, {said}" if said else "nothing"


def _difference(through: Leg, direct: Leg, share: float) -> str:
    there, straight = through.times.at(share), direct.times.at(share)
    return "?" if there is None or straight is None else f"{there - straight:.1f} ms"


def _document(found: Verification) -> dict[str, Any]:
    streams = found.streams
    return {
        "good": found.good,
        "calls": _leg(found.through),
        "direct": _leg(found.direct) if found.direct is not None else None,
        "streams": {
            "tool": streams.tool,
            "streams": streams.streams,
            "frames": streams.frames,
            "lost": streams.lost,
            "out_of_order": streams.out_of_order,
            "foreign": streams.foreign,
            "first_frame": streams.first_frame.as_json(),
        }
        if streams is not None
        else None,
        "cancels": [
            {"service": one.service, "unseen": one.unseen, "times": one.times.as_json()}
            for one in found.cancels
        ],
        "notes": list(found.notes),
    }


def _leg(leg: Leg) -> dict[str, Any]:
    first = round(leg.first_ms, 3) if leg.first_ms is not None else None
    return {
        "path": leg.path,
        "tool": leg.tool,
        "failed": leg.failed,
        "first_ms": first,
        "times": leg.times.as_json(),
    }
