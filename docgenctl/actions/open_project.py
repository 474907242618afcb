"""Find out whose stack a command is about, and read what is configured and remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgenctl.actions.locate import locate
from docgenctl.configuration.inputs import digest_of_inputs
from docgenctl.configuration.load import Configuration, load_configuration
from docgenctl.configuration.project_identity import identify_project
from docgenctl.images.facts import all_image_facts
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.project import Project
from docgenctl.state.directory import state_directory
from docgenctl.state.glance_file import Remembered, recall, remember

__all__ = ["OpenProject", "locate", "open_project", "read_configuration"]


@dataclass(frozen=True, kw_only=True)
class OpenProject:
    """A project with its checked configuration; `state_dir` exists and is private to the user.

    `wait_lock_s` is how long a changing command waits for another one to end. `flags_given` says that some
    settings are those of this command line only; `inputs` is the digest of all else that they follow from,
    taken before they were read.
    """

    project: Project
    configuration: Configuration
    facts: Mapping[str, ImageFacts]
    state_dir: Path
    environ: Mapping[str, str]
    wait_lock_s: float = 0
    flags_given: bool = False
    inputs: str = ""

    @property
    def engine(self) -> str:
        """The setting `engine`: auto, docker or process."""
        return self.configuration.settings.engine


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
    inputs = digest_of_inputs(locate(directory), environ)
    configuration, facts = read_configuration(directory, environ, flags)
    project = identify_project(configuration.directory, configuration.settings)
    flags_given = any(value is not None for value in (flags or {}).values())
    opened = OpenProject(
        project=project,
        configuration=configuration,
        facts=facts,
        state_dir=state_directory(project, environ),
        environ=environ,
        wait_lock_s=wait_lock_s,
        flags_given=flags_given,
        inputs=inputs,
    )
    if not flags_given:
        _leave_note(opened, inputs)
    return opened


def _leave_note(opened: OpenProject, inputs: str) -> None:
    """Let the next command that only looks do so at a glance, unless something changed while we read."""
    settings, directory = opened.configuration.settings, opened.configuration.directory
    note = Remembered(
        inputs=inputs,
        name=opened.project.name,
        engine=settings.engine,
        servers=tuple(sorted(settings.servers)),
        keys=tuple(opened.configuration.origins),
        notes=opened.configuration.notes,
    )
    if recall(opened.state_dir) != note and digest_of_inputs(directory, opened.environ) == inputs:
        remember(opened.state_dir, note)


def read_configuration(
    directory: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> tuple[Configuration, Mapping[str, ImageFacts]]:
    """The checked configuration without the state: nothing is made, and a read-only home does no harm.

    Raises UsageError and ConfigurationError as `open_project` does.
    """
    facts = all_image_facts()
    where = locate(directory)
    return load_configuration(where, environ=environ, flags=flags or {}, facts=facts), facts
