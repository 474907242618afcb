"""Everything that the settings of a project follow from, as one digest: same digest, same settings.

It is made from bytes as they lie there, before anything is parsed. What must be in it: docgen.yaml and its
misspelled neighbours, `.env`, the locks of packages, every variable of ours, and the program itself, since
another version may read the same file differently. What the flags of a command say is not in it.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import docgenctl
from docgenctl.configuration.environment import VARIABLES
from docgenctl.configuration.project_identity import CONFIG_FILE, LOCKS_FOLDER
from docgenctl.files.bounded_file import read_bounded

_MAX_BYTES = 1024 * 1024
_MAX_LOCK_BYTES = 8 * 1024 * 1024
_OTHER_SPELLINGS = ("docgen.yml", ".docgen.yaml")


def digest_of_inputs(project_dir: Path, environ: Mapping[str, str]) -> str:
    """The digest, 64 hex digits. Raises ConfigurationError for a file that cannot be read."""
    digest = hashlib.sha256()
    for part in _parts(project_dir, environ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _parts(project_dir: Path, environ: Mapping[str, str]) -> Iterator[bytes]:
    yield docgenctl.__version__.encode()
    yield from _program()
    yield os.fsencode(os.path.realpath(project_dir))
    for name in (CONFIG_FILE, ".env"):
        path = project_dir / name
        content = None if name == ".env" and path.is_dir() else read_bounded(path, _MAX_BYTES)
        yield b"absent" if content is None else b"=" + content
    for path in sorted((project_dir / LOCKS_FOLDER).glob("*")):
        yield path.name.encode()
        yield read_bounded(path, _MAX_LOCK_BYTES) or b""
    for name in _OTHER_SPELLINGS:
        yield str(os.path.lexists(project_dir / name)).encode()
    for variable in VARIABLES:
        yield os.fsencode(environ.get(variable, ""))


def _program() -> Iterator[bytes]:
    """When and how long its files are that decide what a setting means; in a checkout they change often."""
    package = Path(docgenctl.__file__).parent
    data = package / "_data" if (package / "_data").is_dir() else package.parent
    folders = [package / "configuration", package / "model"]
    files = [entry.path for folder in folders for entry in os.scandir(folder) if entry.name.endswith(".py")]
    images = data / "server_images"
    files += [f"{images}/{entry.name}/image.toml" for entry in os.scandir(images)]
    # Installing or upgrading a library touches the folder it is in.
    files += [folder for folder in sys.path if folder.endswith("-packages")]
    for path in sorted(files):
        try:
            found = os.stat(path)  # noqa: PTH116 - a Path for each would take longer than the call
        except OSError:
            continue
        yield f"{path}:{found.st_mtime_ns}:{found.st_size}".encode()
