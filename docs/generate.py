"""Writes the generated parts of the documentation: `.venv/bin/python docs/generate.py`, or `--check` only.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; all else in the files
is written by hand. The command reference comes from the command line's own objects, the settings from the
model, so neither can say anything that the program does not. Files are written only where they change.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from typer.main import get_command

from docgenctl.cli.app import COMMANDS
from docgenctl.configuration.settings_tree import Entries, Node, Section, Setting, as_written, settings_tree
from docgenctl.configuration.starter import starter_text
from docgenctl.configuration.text_edits import written
from docgenctl.images.facts import all_image_facts

FOLDER = Path(__file__).resolve().parent
_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end of (?P=name) -->)", re.DOTALL
)
_METAVARS = {"str": "TEXT", "Path": "DIRECTORY", "int": "NUMBER", "float": "NUMBER"}


def main() -> int:
    """Exit 0 when the files are as they should be (or now are), 1 when `--check` found a stale one."""
    check = "--check" in sys.argv[1:]
    stale = [(path, text) for path, text in documents() if path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        if not check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'stale' if check else 'written'}  {path.relative_to(FOLDER.parent)}\n")
    return int(check and bool(stale))


def documents() -> Iterator[tuple[Path, str]]:
    """Every document with generated parts, and its text as it should be."""
    for path in sorted(FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _PART.search(text):
            yield path, _PART.sub(_filled, text)


def _filled(part: re.Match[str]) -> str:
    return f"{part['begin']}\n{PARTS[part['name']]().strip()}\n\n{part['end']}"


# -- commands --------------------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """Every command by its full name (`tools call`), groups left out."""
    found: dict[str, Any] = {}
    for name, entry in COMMANDS.items():
        command = get_command(importlib.import_module(f"docgenctl.cli.{entry.module}").app)
        below = getattr(command, "commands", None)
        found |= {f"{name} {key}": child for key, child in below.items()} if below else {name: command}
    return found


def option_names(command: Any) -> tuple[str, ...]:
    """Every spelling of every option of a command, `--help` included."""
    spelled = [name for option in command.params for name in _spellings(option) if name.startswith("-")]
    return (*spelled, "--help", "-h")


def _command_reference() -> str:
    titles = {name: entry.panel for name, entry in COMMANDS.items()}
    lines: list[str] = []
    panel = ""
    for name, command in commands().items():
        if titles[name.split()[0]] != panel:
            panel = titles[name.split()[0]]
            lines += [f"### {panel}", ""]
        lines += [f"#### docgenctl {name}", "", command.help.strip(), ""]
        lines += ["```text", _usage(name, command), "```", ""]
        if command.params:
            lines += ["| argument or option | meaning | default |", "|---|---|---|"]
            lines += [_row(parameter) for parameter in command.params]
            lines.append("")
    return "\n".join(lines)


def _usage(name: str, command: Any) -> str:
    options = ["[OPTIONS]"] if any(_is_option(parameter) for parameter in command.params) else []
    places = [_place(parameter) for parameter in command.params if not _is_option(parameter)]
    return " ".join(["docgenctl", name, *options, *places])


def _place(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    return word if argument.required or argument.metavar else f"[{word}]"


def _metavar(parameter: Any) -> str:
    """What stands for an option's value: as it says itself, its choices, or a word for its type."""
    if parameter.metavar:
        return str(parameter.metavar)
    kind = parameter.type_descriptor.annotation
    choices = get_args(kind)
    return "\\|".join(map(str, choices)) if choices else _METAVARS[kind.__name__]


def _row(parameter: Any) -> str:
    if not _is_option(parameter):
        spelled = _place(parameter)
    else:
        value = "" if parameter.is_flag else f" {_metavar(parameter)}"
        spelled = ", ".join(_spellings(parameter)) + value
    empty = parameter.is_flag if _is_option(parameter) else False
    number = isinstance(parameter.default, int | float)
    default = f"{parameter.default:g}" if number else str(parameter.default or "")
    default = "" if empty else default
    return f"| `{spelled}` | {parameter.help} | {default} |"


def _spellings(parameter: Any) -> tuple[str, ...]:
    """Every way to write it, the ways to say no included."""
    return (*parameter.opts, *parameter.secondary_opts)


def _is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


# -- settings --------------------------------------------------------------------------------------------


def _settings_reference() -> str:
    lines: list[str] = []
    for title, rows in _tables(settings_tree()):
        lines += [f"### {title}", "", "| key path | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _tables(root: Section) -> Iterator[tuple[str, list[str]]]:
    plain = {key: node for key, node in root.children.items() if isinstance(node, Setting)}
    yield "At the top", [row for key, node in plain.items() for row in _rows((key,), node)]
    for key, node in root.children.items():
        if key not in plain:
            assert isinstance(node, Section | Entries)  # noqa: S101 - what is left once settings are out
            yield f"`{key}`: {_small(node.description)}", list(_rows((key,), node))


def _rows(path: tuple[str, ...], node: Node) -> Iterator[str]:
    if isinstance(node, Section):
        for key, child in node.children.items():
            yield from _rows((*path, key), child)
    elif isinstance(node, Entries) and isinstance(node.each, Setting):
        yield f"| `{'/'.join(path)}` | {node.description} See below. | |"
    elif isinstance(node, Entries):
        yield from _rows((*path, "<name>"), node.each)
    elif node.field is not None:
        words = list(_words(node.field.annotation))
        choices = f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""
        yield f"| `{'/'.join(path)}` | {node.field.description}{choices} | {_default(path, node.field)} |"


def _words(annotation: Any) -> Iterator[str]:
    """The words that a setting may be, also where it may be left out."""
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        else:
            yield from _words(part)


def _default(path: tuple[str, ...], field: FieldInfo) -> str:
    if "<name>" in path and path[0] != "servers":  # no entry of these is in the starter file
        value = as_written(field, None if field.is_required() else field.default)
        value = list(value) if isinstance(value, tuple) else value
    else:
        value = _defaults().get("/".join(path), "")
    return f"`{value}`" if value not in ("", None) else ""


def _defaults() -> Mapping[str, str]:
    """Key path → default as the starter file writes it; the starter's own tests hold it to the model."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in starter_text({**all_image_facts()}).splitlines():
        match = re.fullmatch(r"#?(?P<indent> *)(?P<key>[a-z_]+):(?: (?P<value>.*))?", line)
        if match:
            del path[len(match["indent"]) // 2 :]
            path.append(match["key"])
            found["/".join(path)] = match["value"] or ""
    # Entries of `servers` differ in ports and options only; the former are told by the images' table.
    shared = {key: value for key, value in found.items() if key.startswith("servers/main/")}
    general = {key.replace("/main/", "/<name>/", 1): value for key, value in shared.items()}
    return found | {key: value for key, value in general.items() if not key.endswith(("port", "image"))}


def _small(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _image_reference() -> str:
    lines: list[str] = []
    for name, image in sorted(all_image_facts().items()):
        if name in ("orchestrator", "adapter"):
            continue
        ports = [f"port `{image.port}`"] if image.port else []
        ports += [f"readiness port `{image.health_port}`"] if image.health_port else []
        lines += [f"### Image `{name}`", "", f"{image.description} By default: {', '.join(ports)}.", ""]
        if image.options:
            lines += ["| option | type | meaning | default |", "|---|---|---|---|"]
            lines += [
                f"| `{key}` | {option.type} | {option.description} | `{written(option.default)}` |"
                for key, option in image.options.items()
            ]
            lines.append("")
        if image.secrets:
            lines += ["| secret from variable | needed | meaning |", "|---|---|---|"]
            lines += [
                f"| `{secret.environment}` | {'yes' if secret.required else 'no'} | {secret.description} |"
                for secret in image.secrets
            ]
            lines.append("")
    return "\n".join(lines)


# -- GitHub ----------------------------------------------------------------------------------------------


def _github_tools() -> str:
    lines = ["| toolset | tool | changes something | permissions |", "|---|---|---|---|"]
    lines += [
        f"| `{one.toolset}` | `{name}` | {'yes' if one.writes else 'no'} | {_permissions([one]) or 'none'} |"
        for name, one in _github_rights().items()
    ]
    return "\n".join(lines)


def _github_permissions() -> str:
    lines = ["| toolset | permissions for reading | permissions for changing |", "|---|---|---|"]
    rights = list(_github_rights().values())
    for toolset in dict.fromkeys(one.toolset for one in rights):
        reading = [one for one in rights if one.toolset == toolset and not one.writes]
        changing = [one for one in rights if one.toolset == toolset and one.writes]
        told = _permissions(reading) or ("none" if reading else "reads nothing")
        lines.append(f"| `{toolset}` | {told} | {_permissions(changing) or 'changes nothing'} |")
    return "\n".join(lines)


def _permissions(rights: list[Any]) -> str:
    """Those of all these tools; reading is left out where writing is there, which includes it."""
    every = {permission for one in rights for permission in one.permissions}
    written = {permission.name for permission in every if permission.write}
    return ", ".join(str(one) for one in sorted(every) if one.write or one.name not in written)


def _github_rights() -> Mapping[str, Any]:
    """The server's own table; its sources are on nobody's path but the tests'."""
    sys.path.append(str(FOLDER.parent / "server_images/github/src"))
    from docgen_github.rights import TOOLS

    return TOOLS


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": _command_reference,
    "settings": _settings_reference,
    "images": _image_reference,
    "github-tools": _github_tools,
    "github-permissions": _github_permissions,
}

if __name__ == "__main__":
    sys.exit(main())
