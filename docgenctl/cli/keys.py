"""`docgenctl keys`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import rehearsing
from docgenctl.cli.options import DryRun, Json, ProjectDir, WaitLockS, Yes
from docgenctl.model.errors import RefusedError

if TYPE_CHECKING:
    from docgenctl.actions.client_keys import KeyChange
    from docgenctl.model.client_key import ClientKey

app = new_app(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The key's name.", metavar="NAME", show_default=False)]


@app.callback()
def keys() -> None:
    """Make keys for clients, list them, revoke them; a running stack knows within a second."""


@app.command()
def create(
    name: Annotated[
        str,
        typer.Argument(
            help="Who will use it: a-z, 0-9 and -, at most 32 characters.", metavar="NAME", show_default=False
        ),
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may use: main, main:read, github/github_get_*, or * for every server; "
            "everything when none is given.",
            metavar="SCOPE",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            help="When it ends: 30d, 12h, 2027-01-31 (with that day, in UTC); never by default.",
            metavar="WHEN",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            help="How often it may call: 10/s, 600/m, 100/h or '5/s burst 20'; without bounds by default.",
            metavar="RATE",
            show_default=False,
        ),
    ] = None,
    tool_rate: Annotated[
        list[str] | None,
        typer.Option(
            "--tool-rate",
            help="How often it may call each tool of such a name: docs_generate=5/m, github_*=100/h.",
            metavar="TOOLS=RATE",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the key to this new file, for its owner alone, and do not show it.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    from docgenctl.actions import client_keys
    from docgenctl.actions.open_project import open_project

    wanted = _wanted(name, scope, expires, rate, tool_rate)
    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        for server in client_keys.unknown_servers(opened, wanted.scopes):
            console.note(
                f"Note: there is no server {server} yet; that scope gives nothing until there is one."
            )
        if dry_run:
            _show_rehearsed(console, client_keys.foresee_create(opened, wanted), "made")
            return
    engine = client_keys.engine_if_any(opened)
    if out is None:
        change = client_keys.create_key(opened, engine, wanted)
    else:
        descriptor = client_keys.reserve_file(opened, out)
        try:
            change = client_keys.create_key(opened, engine, wanted)
        except BaseException:
            client_keys.drop_reserved(out, descriptor)
            raise
        client_keys.write_reserved(out, descriptor, change)
    _show_new(console, change, out)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Revoked keys too.")] = False,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """List the keys: what each may use, how often, until when. Their values are kept nowhere."""
    from docgenctl.actions.client_keys import in_force, list_keys
    from docgenctl.actions.open_project import open_project
    from docgenctl.model.client_key import KeyState

    console = Console(json_mode=json_mode)
    known = in_force(list_keys(open_project(project_dir, os.environ)))
    shown = [(key, state) for key, state in known if every or state is not KeyState.REVOKED]
    if json_mode:
        console.json([{**_document(key), "state": state.value} for key, state in shown])
        return
    if not shown:
        console.note("There is no key yet. docgenctl up makes one, and so does: docgenctl keys create NAME")
        return
    console.table(
        ["NAME", "STATE", "SCOPES", "RATES", "CREATED", "EXPIRES"],
        [
            [
                key.name,
                state.value,
                _scopes(key),
                _rates(key),
                key.created[:10],
                key.expires or "never",
            ]
            for key, state in shown
        ],
    )


@app.command()
def revoke(
    name: Name,
    yes: Yes = False,
    dry_run: DryRun = False,
    wait_lock: WaitLockS = 0,
    project_dir: ProjectDir = None,
    json_mode: Json = False,
) -> None:
    """Let a key open nothing any more. The default key is replaced by a new one."""
    from docgenctl.actions.client_keys import engine_if_any, foresee_revoke, revoke_key
    from docgenctl.actions.open_project import open_project
    from docgenctl.model.client_key import DEFAULT_KEY

    console = Console(json_mode=json_mode)
    with rehearsing(dry_run):
        opened = open_project(project_dir, os.environ, wait_lock_s=wait_lock)
        if dry_run:
            _show_rehearsed(console, foresee_revoke(opened, name), "revoked")
            return
    if name == DEFAULT_KEY and not yes:
        _warn_of_default(console, opened.state_dir)
    change = revoke_key(opened, engine_if_any(opened), name)
    if json_mode:
        console.json({**_document(change.key), "delivered": change.delivered, "changed": change.changed})
        return
    instead = "; a new default key is in its place" if name == DEFAULT_KEY else ""
    done = f"The key {name} is revoked{instead}." if change.changed else f"The key {name} was revoked before."
    running = "the running stack refuses it" if change.delivered else "no stack runs that would have to know"
    console.note(f"{done} Now {running}.")


def _wanted(
    name: str, scopes: list[str] | None, expires: str | None, rate: str | None, tool_rates: list[str] | None
) -> ClientKey:
    from datetime import UTC, datetime

    from docgenctl.model import client_key

    return client_key.ClientKey(
        name=client_key.check_key_name(name),
        sha256="",
        created="",
        scopes=tuple(dict.fromkeys(client_key.check_scope(each) for each in scopes or ["*"])),
        expires=client_key.read_expiry(expires, datetime.now(UTC)) if expires is not None else None,
        rate=client_key.check_rate(rate) if rate is not None else None,
        tool_rates=tuple(dict(client_key.read_tool_rate(each) for each in tool_rates or ()).items()),
    )


def _show_new(console: Console, change: KeyChange, out: Path | None) -> None:
    assert change.value is not None  # noqa: S101 - it was made just now
    value = None if out else change.value.reveal()
    if console.json_mode:
        where = {"key": value, "file": str(out) if out else None}
        console.json({**_document(change.key), **where, "delivered": change.delivered})
        return
    console.line(str(out) if out else value or "")
    key = change.key
    known = "the running stack accepts it" if change.delivered else "the next docgenctl up lets it in"
    ends = f"until {key.expires}" if key.expires else "without end"
    console.note(f"The key {key.name}: {_scopes(key)}; {_rates(key)}; {ends}; {known}.")
    if not out:
        console.note("It is shown this once. Only its hash is kept.")


def _show_rehearsed(console: Console, key: ClientKey, what: str) -> None:
    if console.json_mode:
        console.json({**_document(key), "key": None, "file": None, "delivered": False, "changed": False})
    else:
        console.note(
            f"The key {key.name} would be {what}: {_scopes(key)}; {_rates(key)}. Nothing was changed."
        )


def _warn_of_default(console: Console, state_dir: Path) -> None:
    console.note(
        "docgenctl itself calls with the default key, and so does every client that was given it. A new one "
        f"takes its place in {state_dir / 'api-key'}; whoever has a copy of the old one is locked out."
    )
    if not console.confirm("Revoke it?"):
        raise RefusedError(
            "the default key is revoked only after a yes",
            hint="docgenctl keys revoke default --yes",
            code="not_confirmed",
        )


def _scopes(key: ClientKey) -> str:
    return "everything" if "*" in key.scopes else " ".join(key.scopes) or "nothing"


def _rates(key: ClientKey) -> str:
    rates = [*([key.rate] if key.rate else []), *(f"{tools}={rate}" for tools, rate in key.tool_rates)]
    return ", ".join(rates) or "no rate"


def _document(key: ClientKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": list(key.scopes),
        "rate": key.rate,
        "tool_rates": dict(key.tool_rates),
        "created": key.created or None,
        "expires": key.expires,
        "revoked": key.revoked,
    }
