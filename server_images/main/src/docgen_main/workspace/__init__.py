"""The one door to files: every path of every tool goes through `Workspace`."""

from docgen_main.workspace.accounts import Limits
from docgen_main.workspace.errors import DeniedError, MissingError, WorkspaceError, WriteError
from docgen_main.workspace.listing import Entry
from docgen_main.workspace.names import Path, display, parse
from docgen_main.workspace.tree import Tree
from docgen_main.workspace.workspace import Change, Workspace

__all__ = [
    "Change",
    "DeniedError",
    "Entry",
    "Limits",
    "MissingError",
    "Path",
    "Tree",
    "Workspace",
    "WorkspaceError",
    "WriteError",
    "display",
    "parse",
]
