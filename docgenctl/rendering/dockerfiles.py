"""Dockerfiles of the kinds of images: `server`, `gateway`, `egress`, `valkey`, `origin`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docgenctl.rendering.environment import render_template


def render_dockerfile(kind: str, variables: Mapping[str, Any], templates: Path) -> str:
    """The Dockerfile of one kind of image, as it goes into the build context.

    It carries no stamp: the tool's version would change the image's digest, and with it rebuild images in
    which nothing changed. `render_project` puts the stamp on the copy in the workspace.
    """
    return render_template(templates, f"images/{kind}.Dockerfile.j2", variables)
