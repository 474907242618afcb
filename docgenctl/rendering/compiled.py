"""Compiled templates, kept between commands: compiling takes longer than everything else in rendering."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import platformdirs
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

#: Part of the folder's name; another one when the environment's options change, which Jinja does not compare.
_GENERATION = 1


class CompiledTemplates(FileSystemBytecodeCache):
    """Jinja's own cache of files, which knows its Python and the template's text, and never fails."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept; nothing when it is damaged."""
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 - a damaged pickle raises nearly anything
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, unless there is no room."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates() -> CompiledTemplates | None:
    """The cache in this user's cache directory; None where there can be none.

    It holds code that is run as it is found, so its folder must be this user's own, and nobody else may write
    there.
    """
    configured = os.environ.get("DOCGENCTL_CACHE_DIR")
    base = Path(configured) if configured else platformdirs.user_cache_path("docgenctl")
    folder = base / f"templates-{_GENERATION}"
    with suppress(OSError, RuntimeError):  # no home either
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o022
        if private and found.st_uid == os.geteuid():
            return CompiledTemplates(str(folder))
    return None
