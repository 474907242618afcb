"""`docgenctl topology`: the configured stack as a picture, whether it runs or not."""

from pathlib import Path

from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.sketch_stack import sketch_stack
from docgenctl.model.errors import RefusedError
from docgenctl.model.topology import Topology
from docgenctl.rendering.topology_mermaid import topology_mermaid
from docgenctl.rendering.topology_svg import topology_svg
from docgenctl.rendering.topology_text import in_ascii, topology_text

FORMATS = ("text", "svg", "mermaid")


def draw_topology(opened: OpenProject, form: str, *, width: int, encoding: str = "utf-8") -> str:
    """The picture in one of FORMATS; `width` and what `encoding` can write matter to text alone."""
    topology = sketch_stack(opened).topology
    if form == "svg":
        return topology_svg(topology)
    if form == "mermaid":
        return topology_mermaid(topology)
    text = topology_text(topology, width=width)
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return in_ascii(text)
    return text


def find_topology(opened: OpenProject) -> Topology:
    """What the pictures show, as data."""
    return sketch_stack(opened).topology


def write_topology(opened: OpenProject, path: Path) -> Path:
    """Write the SVG to a file, replacing it. Raises RefusedError when it cannot be written."""
    try:
        path.write_text(draw_topology(opened, "svg", width=0), encoding="utf-8")
    except OSError as error:
        raise RefusedError(
            f"cannot write {path}: {error.strerror}", hint="name another file with --svg", code="not_written"
        ) from None
    return path
