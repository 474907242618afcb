"""The addresses of documents and of their records."""

from urllib.parse import quote

from docgen_main.workspace import Path, Workspace

DOCUMENTS = "docs://generated/"
RECORDS = "docs://records/"


def uri_of(workspace: Workspace, path: Path) -> str:
    """The resource of the file at `path`, which lies in the output folder."""
    return DOCUMENTS + _below(workspace, path)


def record_uri_of(workspace: Workspace, path: Path) -> str:
    """The resource that says how the document at `path` was made."""
    return RECORDS + _below(workspace, path)


def _below(workspace: Workspace, path: Path) -> str:
    return quote("/".join(path[len(workspace.output) :]))
