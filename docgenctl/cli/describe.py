"""`docgenctl describe`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.options import Json, ProjectDir

if TYPE_CHECKING:
    from docgenctl.actions.describe import Description, PartialEndpoint

app = new_app()


@app.command("describe")
def describe_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Tell all about the stack: URLs, who reaches whom, files, certificates, secrets, keys."""
    from docgenctl.actions.describe import describe
    from docgenctl.actions.open_project import open_project

    console = Console(json_mode=json_mode)
    found = describe(open_project(project_dir, os.environ))
    if json_mode:
        console.json(as_json(found))
        return
    for line in _page(found, datetime.now(UTC)):
        console.line(line)


def _page(found: Description, now: datetime) -> Iterator[str]:
    """Sections of indented lines; what is long stands last on its line."""
    yield f"{found.project}: {found.state}"
    yield f"  directory    {found.directory}"
    engine = found.engine
    yield (
        f"  engine       {engine.name} {engine.version} ({engine.source})"
        if engine
        else f"  engine       {found.engine_error}"
    )
    yield f"  isolation    {found.isolation}"
    yield from _section("Doors", ([door.url, door.purpose, door.used_by] for door in found.doors))
    yield from _section("Endpoints", ([endpoint.url, _shown(endpoint)] for endpoint in found.endpoints))
    yield from _section(
        "Services",
        (
            [
                service.name,
                service.state or "not there",
                service.health or "-",
                f"next to {', '.join(service.reaches)}",
            ]
            for service in found.services
        ),
    )
    yield from _section("Images", ([s.name, s.image, s.image_id[:19]] for s in found.services if s.image))
    yield from _section(
        "Networks",
        (
            [net.key, "closed" if net.closed else "open", net.subnet or "not chosen", ", ".join(net.members)]
            for net in found.networks
        ),
    )
    yield from _section(
        "Volumes",
        (
            [
                volume.name,
                "there" if volume.exists else "not there",
                "survives down" if volume.survives_down else "goes with down",
            ]
            for volume in found.volumes
            if any(other.exists for other in found.volumes)
        ),
    )
    yield from _section(
        "Certificates",
        (
            [
                certificate.what,
                f"{_age(now - certificate.issued)} old, ends in {_age(certificate.expires - now)}"
                if certificate.expires > now
                else f"ended {_age(now - certificate.expires)} ago",
                f"docgenctl up renews it from {certificate.renewed_from:%Y-%m-%d %H:%M} UTC"
                if certificate.renewed_from
                else "renewed by nobody",
                ", ".join(certificate.names) or certificate.subject,
            ]
            for certificate in found.certificates
        ),
    )
    yield from _section(
        "Secrets",
        (
            [
                secret.name,
                f"{_age(now - datetime.fromisoformat(secret.created))} old"
                if secret.created
                else "age unknown",
                f"held by {', '.join(secret.held_by)}"
                + (f", checked by {', '.join(secret.checked_by)}" if secret.checked_by else ""),
                secret.origin,
            ]
            for secret in found.secrets
        ),
    )
    yield from _section(
        "Keys made for clients",
        (
            [
                key.name,
                key.state,
                f"until {key.expires}" if key.expires else "without end",
                " ".join(key.scopes),
            ]
            for key in found.keys
        ),
    )
    yield from _section("Files", ([what, where] for what, where in found.files.items()))
    yield from _section("Versions", ([what, which] for what, which in found.versions.items()))


def _shown(endpoint: PartialEndpoint) -> str:
    servers = ", ".join(endpoint.servers)
    if not endpoint.named:
        return f"{servers} alone"
    return f"part of {servers}" if servers else "nothing, since none of its servers is enabled"


def _section(title: str, rows: Iterator[list[str]]) -> Iterator[str]:
    """A title and its rows in columns; nothing at all without rows."""
    table = list(rows)
    if not table:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    yield ""
    yield title
    for row in table:
        cells: Any = zip(row, widths, strict=True)
        yield "  " + "  ".join(cell.ljust(width) for cell, width in cells).rstrip()


def _age(span: Any) -> str:
    """Days, hours or minutes, whichever says enough."""
    minutes = int(span.total_seconds() // 60)
    for size, word in ((24 * 60, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {word}"
    return "1 minute" if minutes == 1 else f"{max(0, minutes)} minutes"
