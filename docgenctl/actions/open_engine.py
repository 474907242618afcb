"""Which engine a stack runs on: the configured one, or the one that this machine has."""

from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError


def open_engine(opened: OpenProject) -> Engine:
    """The engine of this project's stack; every command about a stack gets it here.

    Raises EngineError with the code that tells why none can be had (`absent`, `stopped`, `denied`,
    `too_old`, `wrong_context`, `unsupported`).
    """
    if opened.configuration.settings.engine == "process":
        raise EngineError(
            "this version has no process engine yet",
            hint="set engine: docker, or leave it out",
            code="unsupported",
        )
    return _docker(opened)


def _docker(opened: OpenProject) -> Engine:
    # Imported when needed: a stack of processes needs nothing of Docker's.
    from docgenctl.engine.discovery import connect

    return connect(opened.environ)
