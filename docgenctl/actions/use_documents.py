"""`docgenctl documents`: what the main server knows of its documents, and copies of them on this machine."""

from pathlib import Path
from typing import Any, Literal

from docgenctl.actions.ask_server import ask, server_of
from docgenctl.actions.open_project import OpenProject
from docgenctl.model.errors import RefusedError

Format = Literal["html", "markdown"]


def list_documents(opened: OpenProject) -> list[dict[str, Any]]:
    """All documents of the output folder with how each was made, by path."""
    found: list[dict[str, Any]] = []
    cursor = None
    with server_of(opened) as client:
        while True:
            page = ask(client, "docs_list", {"cursor": cursor})
            found += page["documents"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def show_document(opened: OpenProject, path: str) -> dict[str, Any]:
    """How a document was made, and what became of it since."""
    with server_of(opened) as client:
        return ask(client, "docs_show", {"path": path})


def export_document(opened: OpenProject, path: str, form: Format, out: str | None) -> Path:
    """Turn a document into another format; returns the file, in the output folder or at `out`.

    Raises RefusedError when `out` cannot be written; the file in the output folder is there then.
    """
    with server_of(opened) as client:
        done = ask(client, "docs_export", {"path": path, "format": form})
    made = opened.project.directory / str(done["path"])
    if out is None:
        return made
    target = Path(out)
    part = target.with_name(f"{target.name}.part")
    try:
        part.write_bytes(made.read_bytes())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RefusedError(f"{out} was not written: {error.strerror}", hint=f"it is at {made}") from None
    return target
