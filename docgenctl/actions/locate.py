"""Where the project lies that a command is about."""

from pathlib import Path

from docgenctl.configuration.project_identity import find_project_dir
from docgenctl.model.errors import UsageError


def locate(directory: Path | None) -> Path:
    """The project's directory: the given one, or the nearest upwards from the current one.

    Raises UsageError when there is no such directory.
    """
    if directory is None:
        try:
            return find_project_dir(Path.cwd())
        except OSError:
            raise UsageError(
                "the current directory does not exist any more, or cannot be read",
                hint="change to another one, or name the workspace with --project-dir",
            ) from None
    if not directory.is_dir():
        raise UsageError(
            f"{directory} is not a directory", hint="name an existing directory with --project-dir"
        )
    return directory.resolve()
