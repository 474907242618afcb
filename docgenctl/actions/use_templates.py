"""`docgenctl templates`: users' templates in the main server, and files on this machine."""

from pathlib import Path
from typing import Any

from docgenctl.actions.ask_server import ask, server_of
from docgenctl.actions.open_project import OpenProject
from docgenctl.model.errors import UsageError

#: More than the server takes; what is longer is no template.
_LARGEST = 1024 * 1024


def list_templates(opened: OpenProject) -> list[dict[str, Any]]:
    """All templates by name."""
    with server_of(opened) as client:
        return list(ask(client, "templates_list", {})["templates"])


def use_template(opened: OpenProject, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of one of the `templates_` tools; arguments that are None are not sent."""
    with server_of(opened) as client:
        return ask(client, f"templates_{tool}", arguments)


def update_template(
    opened: OpenProject, name: str, source: str, *, expected_version: int | None, note: str
) -> dict[str, Any]:
    """Store a new version, by default on top of the one that is there now."""
    with server_of(opened) as client:
        version = expected_version or ask(client, "templates_show", {"name": name})["version"]
        arguments = {"name": name, "source": source, "expected_version": version, "note": note}
        return ask(client, "templates_update", arguments)


def import_template(opened: OpenProject, bundle: str, *, name: str | None, replace: bool) -> dict[str, Any]:
    """Store an exported template; with `replace` as the next version of the one of that name."""
    with server_of(opened) as client:
        expected = ask(client, "templates_show", {"name": name})["version"] if replace and name else None
        return ask(client, "templates_import", {"bundle": bundle, "name": name, "expected_version": expected})


def read_text(path: Path) -> str:
    """The text of a file that a person named. Raises UsageError saying why it cannot be used."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="give a file, or - for standard input") from None
    if len(content) > _LARGEST:
        raise UsageError(f"{path} has more than {_LARGEST} bytes", hint="a template is a text of some pages")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None
