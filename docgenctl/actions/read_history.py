"""`docgenctl history`: who changed the stack, when, with which result."""

from docgenctl.actions.open_project import OpenProject
from docgenctl.model.history import HistoryEntry
from docgenctl.state.history import History
from docgenctl.state.lock import lock_owner


def read_history(opened: OpenProject, *, limit: int) -> tuple[HistoryEntry, ...]:
    """The newest entries, oldest of them first. Raises RefusedError for a lock that cannot be read."""
    owner = lock_owner(opened.state_dir)
    return History(opened.state_dir).entries(running=owner.change if owner else "")[-limit:]
