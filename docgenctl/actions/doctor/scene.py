"""What checks look at, found out once however many ask, and not before one does.

Several checks want the same thing (the settings, the engine's inventory), each in a thread of its own. The
first to ask finds it out, the others wait for it; when it cannot be had, all of them get the same error.
Nothing here makes or changes anything: no state directory appears because somebody asked for a diagnosis.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from docgenctl.actions.cache import cache_directory
from docgenctl.actions.doctor.github_answers import GithubAnswer, ask_github_servers
from docgenctl.actions.open_project import OpenProject, locate
from docgenctl.configuration.load import Configuration, load_configuration
from docgenctl.configuration.project_identity import identify_project
from docgenctl.engine.discovery import connect
from docgenctl.engine.protocol import Engine
from docgenctl.images.facts import all_image_facts
from docgenctl.model.errors import ConfigurationError
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.inventory import EngineReport, Inventory
from docgenctl.model.project import Project
from docgenctl.model.settings import Settings
from docgenctl.model.state import State
from docgenctl.state.directory import state_base
from docgenctl.state.store import StateStore

_Found = TypeVar("_Found")


class _Once(Generic[_Found]):
    """A value that is found out by the first who asks; an error is kept and raised again."""

    def __init__(self, find: Callable[[], _Found]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._answer: Callable[[], _Found] | None = None

    def __call__(self) -> _Found:
        with self._lock:
            if self._answer is None:
                try:
                    found = self._find()
                    self._answer = lambda: found
                except Exception as error:  # noqa: BLE001 - kept for everybody who asks
                    kept = error

                    def fail() -> _Found:
                        raise kept

                    self._answer = fail
        return self._answer()


class Scene:
    """The machine, the engine and the project that are looked at.

    Args:
        directory: the workspace, None for the nearest one upwards.
        environ: the environment of the command.

    The attributes are questions: call them. They raise DocgenError when the answer cannot be had.
    """

    def __init__(self, directory: Path | None, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.workspace: Callable[[], Path] = _Once(lambda: locate(directory))
        self.facts: Callable[[], Mapping[str, ImageFacts]] = _Once(all_image_facts)
        self.configuration: Callable[[], Configuration] = _Once(self._configuration)
        self.engine: Callable[[], Engine] = _Once(lambda: connect(environ))
        self.report: Callable[[], EngineReport] = _Once(lambda: self.engine().report())
        self.inventory: Callable[[], Inventory] = _Once(lambda: self.engine().inventory())
        self.github: Callable[[], tuple[GithubAnswer, ...]] = _Once(lambda: ask_github_servers(self.opened()))

    def settings(self) -> Settings:
        """The settings in force."""
        return self.configuration().settings

    def project(self) -> Project:
        """The project; under its default name when the configuration cannot be read."""
        try:
            settings = self.settings()
        except ConfigurationError:
            settings = Settings()
        return identify_project(self.workspace(), settings)

    def state_dir(self) -> Path:
        """Where this project's state lies or would lie."""
        return state_base(self.environ) / self.project().id

    def opened(self) -> OpenProject:
        """The project as commands open it, but that its state directory need not be there."""
        return OpenProject(
            project=self.project(),
            configuration=self.configuration(),
            facts=self.facts(),
            state_dir=self.state_dir(),
            environ=self.environ,
        )

    def cache_dir(self) -> Path:
        """Where downloads are kept."""
        return cache_directory(self.environ)

    def state(self) -> State:
        """What is remembered; empty for a project that never ran."""
        state_dir = self.state_dir()
        return StateStore(state_dir).read() if state_dir.is_dir() else State()

    def _configuration(self) -> Configuration:
        return load_configuration(self.workspace(), environ=self.environ, flags={}, facts=self.facts())
