"""Where a project's state lies: outside of its workspace, for nobody else's eyes."""

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from docgenctl.files.rehearsal import current_rehearsal
from docgenctl.model.errors import RefusedError
from docgenctl.model.project import Project

STATE_DIR_VARIABLE = "DOCGENCTL_STATE_DIR"


def state_directory(project: Project, environ: Mapping[str, str]) -> Path:
    """The project's own state directory, made with mode 0700 whatever the umask.

    It is `<base>/<project id>`; the base is $DOCGENCTL_STATE_DIR, else `docgenctl` in the user's state
    directory (XDG base directories). During a rehearsal a missing one is not made. Raises RefusedError when
    it would lie in the workspace, is a link, belongs to or can be read by somebody else, or cannot be written
    (`error.code` is `state_unwritable`).
    """
    base = _base(environ)
    path = base / project.id
    _refuse_inside(path, project.directory)
    if current_rehearsal() is not None and not os.path.lexists(path):
        return path
    try:
        for directory in reversed((base, *base.parents)):
            _make_private(directory)
        _refuse_link(base)
        _refuse_open_base(base)
        _make_private(path)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None
    _refuse_exposed(path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise _unwritable(path, "it is read-only")
    return path


def state_directory_if_there(project_id: str, environ: Mapping[str, str]) -> Path | None:
    """Where the state of that project lies, None when there is none yet; nothing is made."""
    path = _base(environ) / project_id
    return path if path.is_dir() else None


def state_base(environ: Mapping[str, str]) -> Path:
    """Where the state of all projects lies, whether it is there or not. Raises RefusedError."""
    return _base(environ)


def _base(environ: Mapping[str, str]) -> Path:
    chosen = environ.get(STATE_DIR_VARIABLE, "")
    if chosen:
        path = Path(chosen)
        if not path.is_absolute() or "\0" in chosen:
            raise RefusedError(
                f"{STATE_DIR_VARIABLE} is {chosen!r}, not an absolute path",
                hint=f"write {STATE_DIR_VARIABLE}=$HOME/.docgenctl",
            )
        return path
    xdg = environ.get("XDG_STATE_HOME", "")
    if xdg.startswith("/"):
        return Path(xdg) / "docgenctl"
    home = environ.get("HOME", "")
    if sys.platform == "linux" and home.startswith("/"):
        return Path(home) / ".local" / "state" / "docgenctl"
    import platformdirs  # takes as long to import as Python to start; only other systems need it

    return Path(platformdirs.user_state_dir("docgenctl", appauthor=False))


def _refuse_inside(path: Path, workspace: Path) -> None:
    real, around = Path(os.path.realpath(path)), Path(os.path.realpath(workspace))
    if real.is_relative_to(around) or around.is_relative_to(real):
        raise RefusedError(
            f"the state directory {path} and the workspace {workspace} lie within each other",
            hint=f"set {STATE_DIR_VARIABLE} to a directory outside of the workspace",
        )


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise RefusedError(
            f"the state directory {path} is a link",
            hint=f"remove the link, or set {STATE_DIR_VARIABLE} to the directory it leads to",
        )


def _refuse_open_base(base: Path) -> None:
    status = base.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise _foreign(base, status.st_uid)
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if writable and not status.st_mode & stat.S_ISVTX:
        raise RefusedError(f"others may write to {base}, where the state lies", hint=f"chmod go-w {base}")


def _make_private(path: Path) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    # The umask may have taken bits from the owner, never given any to others.
    path.chmod(0o700)


def _refuse_exposed(path: Path) -> None:
    _refuse_link(path)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise RefusedError(f"the state directory {path} is not a directory", hint=f"move {path} aside")
    if status.st_uid != os.geteuid():
        raise _foreign(path, status.st_uid)
    if status.st_mode & 0o077:
        raise RefusedError(
            f"the state directory {path} is open to others (mode {status.st_mode & 0o777:04o})",
            hint=f"chmod 700 {path}",
        )


def _foreign(path: Path, uid: int) -> RefusedError:
    return RefusedError(
        f"the state directory {path} belongs to uid {uid}, and this is uid {os.geteuid()}",
        hint=f"run the command as its owner, or set {STATE_DIR_VARIABLE} to a directory of your own",
    )


def _unwritable(path: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"the state directory {path} cannot be written: {reason}",
        hint=f"set {STATE_DIR_VARIABLE} to a directory that you may write to",
        code="state_unwritable",
    )
