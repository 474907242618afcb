"""Who owns the workspace, and the folder in it that `main` may write to."""

import os
from pathlib import Path

from docgenctl.model.blueprint import SERVICE_UID
from docgenctl.model.errors import RefusedError


def service_owner(workspace: Path) -> str:
    """`uid:gid` that writes into the workspace: its owner, or a fixed one when that is root."""
    status = workspace.stat()
    if status.st_uid == 0:
        return f"{SERVICE_UID}:{SERVICE_UID}"
    return f"{status.st_uid}:{status.st_gid}"


def prepare_output(workspace: Path, output: str, owner: str) -> None:
    """Create the output folder, owned by `owner` where we may give it away.

    Raises RefusedError when a component is a symbolic link or not a directory, or when the folder
    belongs to somebody else and cannot be changed.
    """
    uid, gid = (int(part) for part in owner.split(":"))
    folder = workspace
    for part in Path(output).parts:
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise RefusedError(
                f"{folder} must be a directory, not a link or a file",
                hint="remove it, or name another folder in docgen.yaml under workspace/output",
            )
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise RefusedError(
                f"cannot create {folder}: {error.strerror}", hint=f"make {folder.parent} writable"
            ) from error
    if folder.stat().st_uid == uid:
        return
    try:
        os.chown(folder, uid, gid, follow_symlinks=False)
    except OSError as error:
        raise RefusedError(
            f"{folder} belongs to uid {folder.stat().st_uid}, and main writes as uid {uid}",
            hint=f"sudo chown {uid}:{gid} {folder}",
        ) from error


def unreadable_for(workspace: Path, owner: str) -> bool:
    """Whether a service running as `owner` cannot even list the workspace's top directory."""
    uid, gid = (int(part) for part in owner.split(":"))
    status = workspace.stat()
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return (status.st_mode >> shift) & 0o5 != 0o5
