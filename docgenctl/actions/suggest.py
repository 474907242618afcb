"""Names to complete a command line with, out of small files: nothing is asked, parsed or made for them.

They may be of yesterday; what a command does with a name that is not there any more is the command's affair.
"""

from collections.abc import Mapping
from pathlib import Path

from docgenctl.actions.locate import locate
from docgenctl.configuration.project_identity import project_id
from docgenctl.model.errors import DocgenError
from docgenctl.state.directory import state_directory_if_there
from docgenctl.state.glance_file import Remembered, recall
from docgenctl.state.known_names import Names, recall_names

#: What stands around the servers; where rates are counted together there is more.
_ALWAYS = ("egress", "gateway", "orchestrator")
#: What `servers` holds where nothing else is configured; a test holds this against the settings.
DEFAULT_SERVERS = ("github", "main")


def server_names(directory: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The servers of the project when its configuration was last read, else the default ones."""
    note = _note(directory, environ)
    return note.servers if note else DEFAULT_SERVERS


def service_names(directory: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The services of the stack when it was last made or rendered, else those that any stack has."""
    state_dir = _state_dir(directory, environ)
    known = recall_names(state_dir, Names.SERVICES) if state_dir else ()
    if known:
        return known
    return tuple(sorted((*_ALWAYS, *server_names(directory, environ))))


def setting_names(directory: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The key paths of the settings when they were last read; empty before that."""
    note = _note(directory, environ)
    return note.keys if note else ()


def tool_names(directory: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The tools of the stack when they were last listed; empty before that."""
    state_dir = _state_dir(directory, environ)
    return recall_names(state_dir, Names.TOOLS) if state_dir else ()


def _note(directory: Path | None, environ: Mapping[str, str]) -> Remembered | None:
    state_dir = _state_dir(directory, environ)
    return recall(state_dir) if state_dir else None


def _state_dir(directory: Path | None, environ: Mapping[str, str]) -> Path | None:
    try:
        return state_directory_if_there(project_id(locate(directory)), environ)
    except DocgenError:
        return None
