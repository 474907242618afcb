"""`docgenctl lock`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir, Yes
from docgenctl.model.errors import RefusedError

if TYPE_CHECKING:
    from docgenctl.model.lock_owner import LockOwner

app = new_app(no_args_is_help=True)


@app.callback()
def lock() -> None:
    """Say who is changing the stack, or end a command that hangs."""


@app.command()
def status(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Say which command is changing the stack now."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.release_lock import current_owner

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    owner = current_owner(opened)
    if json_mode:
        console.json(_document(owner))
    else:
        console.line(_told(owner) if owner else f"Nobody is changing {opened.project.name}.")


@app.command()
def release(project_dir: ProjectDir = None, yes: Yes = False, json_mode: Json = False) -> None:
    """End the command that holds the lock, first politely; a dead one's lock is free by itself."""
    from docgenctl.actions.open_project import open_project
    from docgenctl.actions.release_lock import current_owner, refuse_unreachable, release_lock

    console = Console(json_mode=json_mode)
    opened = open_project(project_dir, os.environ)
    owner = current_owner(opened)
    killed = False
    if owner is not None:
        refuse_unreachable(opened, owner)
        console.note(_told(owner))
        if not yes and not console.confirm("End it?"):
            raise RefusedError(
                "a running command is ended only after a yes",
                hint="docgenctl lock release --yes",
                code="not_confirmed",
            )
        killed = release_lock(opened, owner)
    if json_mode:
        console.json({"released": owner is not None, "killed": killed, "owner": _document(owner)["owner"]})
    elif owner is None:
        console.note(f"Nothing to do: nobody is changing {opened.project.name}.")
    else:
        how = "did not end by itself and was killed" if killed else "has ended"
        console.note(f"`{owner.command}` {how}. What it left is finished by: docgenctl up")


def _told(owner: LockOwner) -> str:
    if not owner.pid:
        return "A command that has not said its name yet is changing this stack."
    return (
        f"`{owner.command}` is changing this stack: started by {owner.user} on {owner.host} "
        f"(process {owner.pid}), {owner.since}"
    )


def _document(owner: LockOwner | None) -> dict[str, Any]:
    if owner is None:
        return {"held": False, "owner": None}
    told = {key: getattr(owner, key) for key in ("pid", "user", "host", "command", "since")}
    return {"held": True, "owner": told}
