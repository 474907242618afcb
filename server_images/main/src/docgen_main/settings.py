"""What this server is told besides the settings that every server has."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from docgen_common.errors import SettingsError


@dataclass(frozen=True, slots=True)
class MainSettings:
    """Folders and rights: `output` is relative to `workspace`; the others are absolute paths.

    `name` is what the workspace's directory is called outside, where the folder's path says nothing.
    """

    workspace: str
    output: str
    writable: bool
    data: str
    scratch: str
    name: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "MainSettings":
        """Read the `DOCGEN_*` variables. Raises `SettingsError` for a value that cannot be meant."""
        output = environ.get("DOCGEN_OUTPUT") or "docs/generated"
        if output.startswith("/") or not output.strip("/.") or ".." in output.split("/"):
            raise SettingsError(f"DOCGEN_OUTPUT must be a folder below the workspace, not {output!r}")
        return cls(
            workspace=_folder("DOCGEN_WORKSPACE", environ, "/workspace"),
            output=output,
            writable=_flag("DOCGEN_WRITABLE", environ),
            data=_folder("DOCGEN_DATA", environ, "/var/lib/docgen"),
            scratch=_folder("DOCGEN_SCRATCH", environ, "/var/tmp/docgen"),  # noqa: S108 - a volume of its own
            name=environ.get("DOCGEN_WORKSPACE_NAME", ""),
        )


def _folder(variable: str, environ: Mapping[str, str], default: str) -> str:
    value = environ.get(variable) or default
    if not value.startswith("/") or "\0" in value:
        raise SettingsError(f"{variable} must be an absolute path, not {value!r}")
    return value


def _flag(variable: str, environ: Mapping[str, str]) -> bool:
    value = environ.get(variable) or "0"
    if value not in ("0", "1"):
        raise SettingsError(f"{variable} must be 0 or 1, not {value!r}")
    return value == "1"
