"""`docgenctl clients`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir
from docgenctl.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docgenctl.actions.check_clients import Checkup
    from docgenctl.actions.connect_clients import Change
    from docgenctl.clients.programs import Program, Scope, Surroundings
    from docgenctl.endpoint.address import Endpoint as Address

app = new_app(no_args_is_help=True)

#: A test compares them with those that there are.
_NAMES = ("claude-code", "claude-desktop", "cursor", "vscode", "codex")

Clients = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CLIENT]...",
        help=f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}.",
        autocompletion=lambda: list(_NAMES),
    ),
]
ScopeName = Annotated[
    str,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="project: the client's file in the workspace; user: the one in the home directory.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Option("--name", help="The server's name in the client.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every client that is found here and has the scope.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the difference and write nothing.")]
Endpoint = Annotated[
    str,
    typer.Option("--endpoint", help="A server's own endpoint, or a named one; by default the one for all."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="A file with a key made for the client (mode 0600); by default the stack's own key.",
        show_default=False,
    ),
]
_SIGNS = {"ok": "✔", "warning": "!", "problem": "✘", "unknown": "?"}


@app.callback()
def clients() -> None:
    """Connect MCP clients on this machine: Claude, Cursor, VS Code, Codex."""


@app.command("list")
def list_command(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Show every client, its files and whether it is connected."""
    from docgenctl.actions.connect_clients import bridge_command, list_connections

    workspace, around = _around(project_dir)
    found = list_connections(around, bridge_command(workspace, os.environ))
    console = Console(json_mode=json_mode)
    if json_mode:
        console.json(
            [
                {
                    "client": one.program.name,
                    "installed": one.is_there,
                    "scope": one.scope,
                    "state": one.state,
                    "name": one.name,
                    "file": str(one.file),
                    "detail": one.detail,
                }
                for one in found
            ]
        )
        return
    words = {"none": "-", "other_project": "other project"}
    console.table(
        ["CLIENT", "HERE", "SCOPE", "STATE", "NAME", "FILE"],
        [
            [
                one.program.name,
                "yes" if one.is_there else "no",
                one.scope,
                words.get(one.state, one.state),
                one.name,
                str(one.file),
            ]
            for one in found
        ],
    )
    for one in found:
        if one.detail:
            console.note(f"{one.program.name}, {one.scope}: {one.detail}")


@app.command("connect")
def connect_command(
    clients: Clients = None,
    every: All = False,
    scope: ScopeName = "",
    name: Name = "",
    endpoint: Endpoint = "",
    key_file: KeyFile = None,
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    json_mode: Json = False,
) -> None:
    """Write the command that serves this stack into the files of clients."""
    from docgenctl.actions.connect_clients import bridge_command, connect

    console = Console(json_mode=json_mode)
    workspace, around = _around(project_dir)
    place = _scope(scope)
    chosen = _chosen(clients, place, around, console, every=every)
    launch = bridge_command(workspace, os.environ, endpoint, key_file)
    changes = connect(chosen, place, name, launch, around, dry_run=dry_run)
    _report(changes, console, dry_run=dry_run, done="connected")
    if not (dry_run or json_mode):
        _address(console, workspace, endpoint)  # else the first thing that its user sees is an error


@app.command("disconnect")
def disconnect_command(
    clients: Clients = None,
    every: All = False,
    scope: ScopeName = "",
    name: Name = "",
    project_dir: ProjectDir = None,
    dry_run: DryRun = False,
    json_mode: Json = False,
) -> None:
    """Take this stack out of the files of clients."""
    from docgenctl.actions.connect_clients import bridge_command, disconnect, programs, with_scope
    from docgenctl.clients.programs import PROGRAMS

    if bool(clients) == every:
        raise UsageError("name the clients, or say --all", hint="docgenctl clients disconnect --all")
    console = Console(json_mode=json_mode)
    workspace, around = _around(project_dir)
    place = _scope(scope)
    chosen = with_scope(PROGRAMS, place) if every else programs(clients or ())
    launch = bridge_command(workspace, os.environ)
    changes = disconnect(chosen, place, name, launch, around, dry_run=dry_run)
    _report(changes, console, dry_run=dry_run, done="disconnected")


@app.command("doctor")
def doctor_command(
    clients: Clients = None,
    project_dir: ProjectDir = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for each answer.")] = 15,
    json_mode: Json = False,
) -> None:
    """Start what each client would start, as it would, and call a tool through it."""
    from docgenctl.actions.check_clients import check_clients, harmless_calls
    from docgenctl.actions.connect_clients import bridge_command, programs
    from docgenctl.clients.programs import PROGRAMS

    workspace, around = _around(project_dir)
    calls = harmless_calls(workspace, os.environ)
    chosen = programs(clients) if clients else PROGRAMS
    found = check_clients(chosen, bridge_command(workspace, os.environ), around, calls, timeout_s=timeout)
    _tell_checkups(found, Console(json_mode=json_mode))
    if any(one.outcome.verdict == "problem" for one in found):
        raise typer.Exit(ExitCode.NOT_HEALTHY)


@app.command("snippet")
def snippet_command(endpoint: Endpoint = "", project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Print what any other client needs: the command, and the address for those that speak HTTPS."""
    from docgenctl.actions.connect_clients import bridge_command

    console = Console(json_mode=json_mode)
    workspace, _ = _around(project_dir)
    stdio = bridge_command(workspace, os.environ, endpoint)
    document: dict[str, Any] = {"stdio": {"type": "stdio", **stdio.as_json()}}
    found = _address(console, workspace, endpoint)
    if found is None:
        document["http"] = None
    else:
        header = {"Authorization": "Bearer ${DOCGENCTL_API_KEY}"}
        document["http"] = {"type": "http", "url": found.url, "headers": header}
        document["certificate"] = str(found.ca_file)
        document["api_key_file"] = str(found.api_key_file)
    if json_mode:
        console.json(document)
        return
    console.line("A client that starts programs (stdio), nothing else needed:")
    console.json({"mcpServers": {"docgenctl": document["stdio"]}})
    if document["http"]:
        console.line()
        console.line(
            "A client that speaks Streamable HTTP; put the key into a variable, never into the file:"
        )
        console.json({"mcpServers": {"docgenctl": document["http"]}})
        console.line()
        console.line(f"export DOCGENCTL_API_KEY=\"$(cat '{document['api_key_file']}')\"")
        console.line(f"export NODE_EXTRA_CA_CERTS='{document['certificate']}'   # or SSL_CERT_FILE")


def _address(console: Console, workspace: Path, endpoint: str) -> Address | None:
    """Where the stack is; None, and a note with what to type, as long as it is nowhere."""
    from docgenctl.actions.bridge_stdio import Whereabouts
    from docgenctl.model.errors import DocgenError

    try:
        return Whereabouts(workspace, endpoint, os.environ)()
    except DocgenError as error:
        console.note(f"no address yet: {error.message}; {error.hint}")
        return None


def _around(project_dir: Path | None) -> tuple[Path, Surroundings]:
    from docgenctl.actions.connect_clients import surroundings
    from docgenctl.actions.locate import locate

    workspace = locate(project_dir).resolve()
    return workspace, surroundings(workspace, os.environ)


def _scope(text: str) -> Scope | None:
    if text not in ("", "project", "user"):
        raise UsageError(f"--scope {text}: there is no such scope", hint="write --scope project or user")
    return text or None  # type: ignore[return-value]


def _chosen(
    names: Sequence[str] | None, scope: Scope | None, around: Surroundings, console: Console, *, every: bool
) -> Sequence[Program]:
    from docgenctl.actions.connect_clients import detected, programs, with_scope

    if names:
        if every:
            raise UsageError("name clients, or say --all, not both", hint="docgenctl clients connect --all")
        return programs(names)
    found = with_scope(detected(around), scope)
    if not found:
        raise UsageError(
            "no client that docgenctl knows is seen here",
            hint="name one: docgenctl clients connect claude-code; for any other: docgenctl clients snippet",
        )
    titles = ", ".join(program.name for program in found)
    if every or console.confirm(f"Connect {titles}?"):
        return found
    raise UsageError(
        f"no client is named; found here: {titles}",
        hint="docgenctl clients connect --all, or name some of them",
    )


def _report(changes: Sequence[Change], console: Console, *, dry_run: bool, done: str) -> None:
    if console.json_mode:
        console.json([_change_document(change, dry_run=dry_run) for change in changes])
    else:
        for change in changes:
            _tell(change, console, dry_run=dry_run, done=done)
        if not changes:
            console.note("Nothing to change.")
    failed = [change.error for change in changes if change.error is not None]
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _tell(change: Change, console: Console, *, dry_run: bool, done: str) -> None:
    if change.error is not None:
        console.error(change.error)
        return
    assert change.edit is not None  # noqa: S101 - one of the two is there
    title = change.program.title
    if dry_run:
        for line in change.edit.diff.splitlines():
            console.line(line)
        console.note(f"{title}: {'nothing was written (--dry-run)' if change.edit.diff else 'no change'}")
        return
    if not change.edit.diff:
        console.line(f"✔ {title}: nothing to change in {change.file}")
        return
    console.line(f"✔ {title}: {done}, {change.name} in {change.file}")
    if change.edit.backup is not None:
        console.note(f"  the old file is {change.edit.backup}")
    if done == "connected":
        console.note(f"  next: {change.program.next}")
        if change.scope == "project":
            console.note("  the file names paths of this machine: keep it out of version control")


def _change_document(change: Change, *, dry_run: bool) -> dict[str, Any]:
    from docgenctl.cli.console import error_document

    edit = change.edit
    return {
        "client": change.program.name,
        "scope": change.scope,
        "name": change.name,
        "file": str(change.file),
        "changed": bool(edit and edit.diff) and not dry_run,
        "diff": edit.diff if edit else "",
        "backup": str(edit.backup) if edit and edit.backup else None,
        "error": error_document(change.error)["error"] if change.error else None,
    }


def _tell_checkups(found: Sequence[Checkup], console: Console) -> None:
    if console.json_mode:
        console.json([_checkup_document(one) for one in found])
        return
    for one in found:
        connection, outcome = one.connection, one.outcome
        place = f" ({connection.name}, {connection.scope})" if connection.name else ""
        times = f" · first answer {one.initialize_ms:.0f} ms" if one.initialize_ms is not None else ""
        times += f" · call {one.call_ms:.0f} ms" if one.call_ms is not None else ""
        console.line(
            f"{_SIGNS[outcome.verdict]} {connection.program.title}{place}: {outcome.evidence}{times}"
        )
        for detail in outcome.details:
            console.line(f"    {detail}")
        if outcome.fix:
            console.line(f"    fix: {outcome.fix}")


def _checkup_document(one: Checkup) -> dict[str, Any]:
    return {
        "client": one.connection.program.name,
        "installed": one.connection.is_there,
        "scope": one.connection.scope,
        "state": one.connection.state,
        "name": one.connection.name,
        "file": str(one.connection.file),
        "verdict": str(one.outcome.verdict),
        "evidence": one.outcome.evidence,
        "details": list(one.outcome.details),
        "fix": one.outcome.fix,
        "initialize_ms": one.initialize_ms,
        "call_ms": one.call_ms,
        "tools": one.tools,
    }
