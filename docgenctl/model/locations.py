"""Where the files that travel with the program lie: templates and the sources of the server images.

In a checkout, also an editable install, they lie beside the package; an installed wheel carries them
inside it, under `_data` (see `force-include` in pyproject.toml).
"""

from functools import cache
from pathlib import Path

import docgenctl
from docgenctl.model.errors import DocgenError

#: The file that makes a folder under server_images a server's.
FACTS_FILE = "image.toml"


def templates_directory() -> Path:
    """The folder of all templates. Raises DocgenError when the installation is incomplete."""
    return _data_directory("templates")


def server_images_directory() -> Path:
    """The folder with one folder per server image and `common`. Raises DocgenError as above."""
    return _data_directory("server_images")


def image_names() -> tuple[str, ...]:
    """The names of all server images, sorted: every folder that has an image.toml."""
    return tuple(sorted(facts.parent.name for facts in server_images_directory().glob(f"*/{FACTS_FILE}")))


@cache
def _data_directory(name: str) -> Path:
    package = Path(docgenctl.__file__).resolve().parent
    candidates = (package / "_data" / name, package.parent / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise DocgenError(
        f"this installation of docgenctl lacks its folder {name}",
        hint="install it again: pip install --force-reinstall docgenctl",
        code="incomplete_installation",
    )
