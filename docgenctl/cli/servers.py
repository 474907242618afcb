"""`docgenctl servers`."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli import suggestions
from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console, as_json
from docgenctl.cli.forecasts import rehearsing, show_forecast
from docgenctl.cli.options import DryRun, Json, ProjectDir, TimeoutS, WaitLockS, Yes
from docgenctl.cli.plain_text import harmless, visible
from docgenctl.model.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docgenctl.actions.change_servers import Reopen, ServerChange
    from docgenctl.actions.look_at_servers import ServerRow
    from docgenctl.model.forecast import Forecast

app = new_app(no_args_is_help=True)

#: Without an engine.
_LACKING = "states are unknown"

Name = Annotated[
    str, typer.Argument(help="The server's name.", metavar="NAME", autocompletion=suggestions.servers)
]
NoUp = Annotated[
    bool, typer.Option("--no-up", help="Only write docgen.yaml; the running stack stays as it is.")
]


@app.callback()
def servers() -> None:
    """Add, list and remove MCP servers of your own."""


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(help="What it shall be called.", metavar="NAME")],
    image: Annotated[
        str | None,
        typer.Option(help="An image that serves Streamable HTTP, by reference.", show_default=False),
    ] = None,
    stdio: Annotated[
        str | None,
        typer.Option(
            help='A command that speaks over stdin and stdout, such as "uvx mcp-server-time".',
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The address of a server elsewhere: https://…", show_default=False)
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(
            help="A package of --stdio: pypi:NAME[==VERSION] or npm:NAME[@VERSION].", show_default=False
        ),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="A variable for it: NAME=VALUE; no secrets.", show_default=False)
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            help="A secret for it: NAME=my-api-key, read from the variable MY_API_KEY.", show_default=False
        ),
    ] = None,
    key_secret: Annotated[
        str | None,
        typer.Option(
            help="Secret with the key for --url: my-api-key is read from MY_API_KEY.", show_default=False
        ),
    ] = None,
    ca_file: Annotated[
        str | None,
        typer.Option(help="Certificates in the workspace to trust for --url.", show_default=False),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A host that it may reach: api.example.com[:PORT].", show_default=False),
    ] = None,
    container_port: Annotated[
        int | None, typer.Option(help="Port that --image serves at; by default 8000.", show_default=False)
    ] = None,
    path: Annotated[
        str | None, typer.Option(help="Path that --image serves at; by default /mcp.", show_default=False)
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Give it a volume that outlives down.")] = False,
    no_up: NoUp = False,
    timeout: TimeoutS = 120,
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Add a server, pinned to exact versions, and let it join the running stack."""
    from docgenctl.actions.change_servers import add_server
    from docgenctl.actions.choose_source import Wish
    from docgenctl.actions.foresee_servers import foresee_add

    console = Console(json_mode=json_mode)
    given: dict[str, Any] = {
        "environment": dict(_pair(text, "--env", "NAME=VALUE") for text in env or ()),
        "secrets": dict(_pair(text, "--secret", "NAME=my-api-key") for text in secret or ()),
        "egress": {"allow": list(allow)} if allow else {},
        "key_secret": key_secret,
        "ca_file": ca_file,
        "container_port": container_port,
        "path": path,
        "data": data,
    }
    settings = {key: value for key, value in given.items() if value}
    wish = Wish(image=image, stdio=stdio, url=url, packages=tuple(package or ()), settings=settings)
    reopen = _opener(project_dir, wait_lock)
    if dry_run:
        with rehearsing(dry_run), console.progress() as reporter:
            forecast = foresee_add(reopen(), reopen, name, wish, reporter, up=not no_up)
        _show(forecast, console)
        return
    with console.progress() as reporter:
        change = add_server(reopen(), reopen, name, wish, reporter, timeout_s=timeout, up=not no_up)
    _report(change, console, done="added")


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """List all servers: where they come from, how they are, how many tools they offer."""
    from docgenctl.actions.look_at_servers import list_servers
    from docgenctl.cli.without_engine import engine_or_note

    console = Console(json_mode=json_mode)
    opened = _opener(project_dir, 0)()
    rows = list_servers(opened, engine_or_note(opened, console, _LACKING))
    if json_mode:
        console.json([as_json(row) for row in rows])
        return
    console.table(
        ["SERVER", "SOURCE", "VERSION", "STATE", "TOOLS"],
        [[row.name, _source(row), row.version, _state(row), _count(row.tools)] for row in rows],
    )


@app.command("inspect")
def inspect_command(name: Name, project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Show one server: source, lock, containers, network, egress, limits, tools, and what to look at."""
    from docgenctl.actions.look_at_servers import inspect_server
    from docgenctl.cli.without_engine import engine_or_note

    console = Console(json_mode=json_mode)
    opened = _opener(project_dir, 0)()
    found = inspect_server(opened, engine_or_note(opened, console, _LACKING), name)
    if json_mode:
        console.json(found)
        return
    findings = found.pop("findings")
    for key, value in found.items():
        console.line(f"{key:<13}{visible(_shown(value))}")
    for line in _findings(findings):
        console.line(line)
    for name in dict.fromkeys([*(found["held"] or ()), *(found["changed"] or ())]):
        looked_at = shlex.quote(harmless(name))
        console.note(f"{harmless(name)} is not what it was: docgenctl tools inspect {looked_at}")


@app.command("remove")
def remove_command(
    name: Name,
    volumes: Annotated[bool, typer.Option("--volumes", help="Remove its data too, for good.")] = False,
    yes: Yes = False,
    no_up: NoUp = False,
    timeout: TimeoutS = 120,
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    json_mode: Json = False,
) -> None:
    """Remove a server from docgen.yaml and from the running stack; its data stays."""
    from docgenctl.actions.change_servers import remove_server
    from docgenctl.actions.foresee_servers import foresee_remove

    console = Console(json_mode=json_mode)
    reopen = _opener(project_dir, wait_lock)
    if dry_run:
        with rehearsing(dry_run):
            forecast = foresee_remove(reopen(), reopen, name, with_data=volumes, up=not no_up)
        _show(forecast, console)
        return
    opened = reopen()
    question = f"Remove the server {name}{' and its data, for good' if volumes else ''}?"
    asked = not yes and (volumes or console.interactive)
    if asked and not console.confirm(question):
        raise RefusedError(
            f"the server {name} is removed only after a yes",
            hint=f"docgenctl servers remove {name} --yes",
            code="not_confirmed",
        )
    with console.progress() as reporter:
        change = remove_server(
            opened, reopen, name, reporter, timeout_s=timeout, with_data=volumes, up=not no_up
        )
    _report(change, console, done="removed")


@app.command("lock")
def lock_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Servers; all with packages when none is named.",
            metavar="[NAME]...",
            autocompletion=suggestions.servers,
        ),
    ] = None,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Lock the packages of servers anew, after their versions were changed in docgen.yaml."""
    from docgenctl.actions.change_servers import lock_servers

    console = Console(json_mode=json_mode)
    with console.progress() as reporter:
        written = lock_servers(_opener(project_dir, 0)(), names or [], reporter)
    if json_mode:
        console.json({"locks": written})
    else:
        console.note(f"Wrote {', '.join(written.values())}." if written else "No server has packages.")


def _opener(project_dir: Path | None, wait_lock_s: float) -> "Reopen":
    from docgenctl.actions.open_project import open_project

    return lambda: open_project(project_dir, os.environ, wait_lock_s=wait_lock_s)


def _show(forecast: "Forecast", console: Console) -> None:
    show_forecast(forecast, console)
    if forecast.engine is None:
        console.note("The stack would be left as it is; docgenctl up changes it.")


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{option} {text!r} is not {form}", hint=f"write {option} {form}")
    return name, value


def _report(change: "ServerChange", console: Console, *, done: str) -> None:
    console.notes(change.file.notes)
    packages = [str(package) for package in change.source.packages] if change.source else []
    if console.json_mode:
        console.json(
            {
                "server": change.name,
                "file": str(change.file.file),
                "diff": change.file.diff,
                "packages": packages,
                "up": change.up is not None,
                "steps": [str(step) for step in change.up.plan.steps] if change.up else [],
            }
        )
        return
    console.line(f"✔ {change.name} {done}" + (f": {', '.join(packages)}" if packages else ""))
    if change.up is None:
        console.note("The stack was left as it is; docgenctl up changes it.")


def _source(row: "ServerRow") -> str:
    source = row.source
    return str(source.get("command") or source.get("url") or source.get("image"))


def _state(row: "ServerRow") -> str:
    return f"{row.state}, {row.health}" if row.health else row.state


def _count(tools: int | None) -> str:
    return "" if tools is None else str(tools)


def _findings(findings: list[dict[str, str]] | None) -> "Iterator[str]":
    """A line each, with nothing in it that a terminal obeys; the first says when there is none."""
    if not findings:
        yield f"{'findings':<13}{_shown(findings)}"
        return
    yield "findings"
    for it in findings:
        quoted = f": {it['excerpt']}" if it["excerpt"] else ""
        yield harmless(f"  {it['of']} {it['name']}, {it['where']}: {it['what']}{quoted}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        parts = (f"{key} {_shown(item)}" for key, item in value.items() if item not in ("", None))
        return " · ".join(parts) or "none"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
