"""How a forecast is shown: the result of `plan` and of every `--dry-run`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docgenctl.cli.console import Console, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docgenctl.model.forecast import Forecast

_COLOURS = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m"}
_SIGNS = {"created": "+", "started": "▸", "removed": "-", "stopped": "◼"}
#: What does not come back by itself.
_ENDS = ("removed", "stopped")


@contextmanager
def rehearsing(dry_run: bool) -> Iterator[None]:
    """With --dry-run, nothing private that is made within reaches the disk, not even a state directory."""
    if not dry_run:
        yield
        return
    from docgenctl.files.rehearsal import rehearsal

    with rehearsal():
        yield


def show_forecast(forecast: Forecast, console: Console) -> None:
    """The whole of it, for people or as JSON."""
    if console.json_mode:
        console.json(forecast_document(forecast))
        return
    for title, lines in _parts(forecast):
        if lines:
            console.line(f"{title}:")
            for line in lines:
                console.line(f"  {line}")
            console.line()
    for file in forecast.files:
        for line in file.diff.splitlines():
            console.line(_coloured(line, console))
    if forecast.files:
        console.line()
    for finding in forecast.findings:
        console.note(f"Warning: {finding}")
    for unknown in forecast.unknown:
        console.note(f"Not foreseen: {unknown}.")
    console.note(_verdict(forecast))


def forecast_document(forecast: Forecast) -> dict[str, Any]:
    """The documented shape."""
    return {
        "project": forecast.project,
        "command": forecast.command,
        "engine": forecast.engine,
        "changes": forecast.changes,
        "images": as_json(forecast.images),
        "services": as_json(forecast.services),
        "steps": [
            {"verb": step.verb.value, "subject": step.subject, "cause": step.cause}
            for step in forecast.plan.steps
        ],
        "files": as_json(forecast.files),
        "moves": as_json(forecast.moves),
        "ports": dict(forecast.ports),
        "made": list(forecast.made),
        "findings": list(forecast.findings),
        "unknown": list(forecast.unknown),
    }


def _parts(forecast: Forecast) -> list[tuple[str, list[str]]]:
    return [
        (
            "Images to build",
            [f"{image.reference}  ({image.cause})" for image in forecast.images],
        ),
        (
            "Services",
            [
                f"{_SIGNS.get(service.action, '~')} {service.service} is {service.action}: {service.cause}"
                + (
                    "; it does not serve meanwhile"
                    if service.interrupts and service.action not in _ENDS
                    else ""
                )
                for service in forecast.services
            ],
        ),
        (
            "Ports",
            [f"{move.purpose}: {move.old or 'none'} → {move.new}  ({move.cause})" for move in forecast.moves],
        ),
        ("Keys and certificates to make", list(forecast.made)),
        ("Steps", [f"{step.verb} {step.object}  ({step.cause})" for step in forecast.plan.steps]),
        ("Files", [f"{file.path} is {file.change}" for file in forecast.files]),
    ]


def _coloured(line: str, console: Console) -> str:
    colour = _COLOURS.get(line[:1])
    return f"{colour}{line}\033[0m" if colour and console.colours(console.out) else line


def _verdict(forecast: Forecast) -> str:
    if not forecast.changes:
        return f"Nothing to change: `docgenctl {forecast.command}` would leave {forecast.project} as it is."
    serving = [service for service in forecast.services if service.interrupts]
    interrupted = [service.service for service in serving if service.action not in _ENDS]
    ended = [service.service for service in serving if service.action in _ENDS]
    told = f"; interrupted for a while: {', '.join(interrupted)}" if interrupted else ""
    told += f"; out of service afterwards: {', '.join(ended)}" if ended else ""
    return f"Nothing was changed. `docgenctl {forecast.command}` would do the above{told}."
