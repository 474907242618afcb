"""Find out whose stack a command is about, and read what is configured and remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgenctl.configuration.load import Configuration, load_configuration
from docgenctl.configuration.project_identity import find_project_dir, identify_project
from docgenctl.images.facts import all_image_facts
from docgenctl.model.errors import UsageError
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.project import Project
from docgenctl.state.directory import state_directory


@dataclass(frozen=True, kw_only=True)
class OpenProject:
    """A project with its checked configuration; `state_dir` exists and is private to the user.

    `wait_lock_s` is how long a changing command waits for another one to end.
    """

    project: Project
    configuration: Configuration
    facts: Mapping[str, ImageFacts]
    state_dir: Path
    environ: Mapping[str, str]
    wait_lock_s: float = 0


def open_project(
    directory: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    *,
    wait_lock_s: float = 0,
) -> OpenProject:
    """The project of a directory, or of the nearest one upwards from here.

    Raises UsageError when the directory is not there, ConfigurationError with all mistakes at once, and
    RefusedError when the state directory cannot be trusted.
    """
    configuration, facts = read_configuration(directory, environ, flags)
    project = identify_project(configuration.directory, configuration.settings)
    return OpenProject(
        project=project,
        configuration=configuration,
        facts=facts,
        state_dir=state_directory(project, environ),
        environ=environ,
        wait_lock_s=wait_lock_s,
    )


def read_configuration(
    directory: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Configuration, Mapping[str, ImageFacts]]:
    """The checked configuration without the state: nothing is made, and a read-only home does no harm.

    Raises UsageError and ConfigurationError as `open_project` does.
    """
    facts = all_image_facts()
    where = locate(directory)
    return load_configuration(where, environ=environ, flags=flags or {}, facts=facts), facts


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
