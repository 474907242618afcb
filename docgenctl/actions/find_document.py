"""`docgenctl open`: which file somebody means."""

import difflib
from pathlib import Path

from docgenctl.actions.draw_topology import draw_topology
from docgenctl.actions.open_project import OpenProject
from docgenctl.files.private_files import write_private
from docgenctl.model.errors import UsageError

TOPOLOGY = "topology"


def find_document(opened: OpenProject, what: str) -> Path:
    """The newest document, one by its kind or file name, or the topology, drawn now into the state directory.

    Raises UsageError when there is none, naming those there are.
    """
    if what == TOPOLOGY:
        picture = opened.state_dir / "topology.svg"
        write_private(picture, draw_topology(opened, "svg", width=0).encode())
        return picture
    folder = opened.project.directory / opened.configuration.settings.workspace.output
    inside = folder.resolve()
    present = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.resolve().is_relative_to(inside)
    ]
    if not what and present:
        return max(present, key=lambda path: path.stat().st_mtime)
    # `docgenctl generate` names the file after its kind: runbook is in RUNBOOK.md.
    for wanted in (what, f"{what.upper()}.md"):
        if (path := folder / wanted) in present:
            return path
    names = [str(path.relative_to(folder)) for path in present]
    if not names:
        raise UsageError(
            f"there is no document in {folder} yet", hint="make one with: docgenctl generate readme"
        )
    near = difflib.get_close_matches(what, [*names, *(path.stem.lower() for path in present), TOPOLOGY], n=1)
    raise UsageError(
        f"there is no document {what!r} in {folder}",
        hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(names[:10])}, and {TOPOLOGY}",
    )
