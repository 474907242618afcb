"""`docgenctl init`: a docgen.yaml that changes nothing yet and shows everything that can be changed."""

from pathlib import Path

from docgenctl.configuration.project_identity import CONFIG_FILE
from docgenctl.configuration.starter import starter_text
from docgenctl.images.facts import all_image_facts
from docgenctl.model.errors import RefusedError


def starter(directory: Path) -> tuple[Path, str]:
    """The file that would be written, and its text. Raises RefusedError when it is there already."""
    path = directory / CONFIG_FILE
    if path.exists() or path.is_symlink():
        raise _exists(path)
    return path, starter_text(all_image_facts())


def write_starter(directory: Path) -> Path:
    """Write the starter file. Raises RefusedError when there is a docgen.yaml, or it cannot be written."""
    path = directory / CONFIG_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_text(all_image_facts()))
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise RefusedError(
            f"cannot write {path}: {error.strerror}", hint=f"make {directory} writable"
        ) from error
    return path


def _exists(path: Path) -> RefusedError:
    return RefusedError(f"{path} exists already", hint="edit it; docgenctl config validate checks it")
