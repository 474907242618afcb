"""`docgenctl config edit`: an editor on a copy; docgen.yaml changes only to something that is valid."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from docgenctl.configuration.load import check_text
from docgenctl.configuration.project_identity import CONFIG_FILE
from docgenctl.configuration.starter import starter_text
from docgenctl.configuration.yaml_source import MAX_BYTES
from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.replace_file import replace_file, taking_turns
from docgenctl.model.errors import ConfigurationError, DocgenError, RefusedError, UsageError
from docgenctl.model.image_facts import ImageFacts

#: tried in this order where neither $VISUAL nor $EDITOR is set
_EDITORS = ("sensible-editor", "nano", "vim", "vi")


def edit_configuration(
    directory: Path,
    *,
    environ: Mapping[str, str],
    facts: Mapping[str, ImageFacts],
    again: Callable[[ConfigurationError], bool],
) -> bool:
    """Open docgen.yaml, or the starter file where there is none; whether it changed.

    Args:
        directory: of the project.
        environ: for $VISUAL and $EDITOR.
        facts: image name → facts of all built-in images.
        again: shows what is wrong with the edited text and asks whether to go on editing.

    Raises UsageError without an editor, RefusedError (`not_edited`) when the text was given up or the file
    cannot be written; the message then says where the text is kept.
    """
    command = _editor(environ)
    path = directory / CONFIG_FILE
    old = read_bounded(path, MAX_BYTES)
    before = starter_text(facts).encode() if old is None else old
    folder = Path(tempfile.mkdtemp(prefix="docgenctl-edit-"))
    copy = folder / CONFIG_FILE
    copy.write_bytes(before)
    try:
        new = _edited(command, copy, before, facts, again)
        if new != before or old is None:
            with taking_turns(path):
                replace_file(path, old, new)
    except DocgenError as error:
        raise RefusedError(
            f"{path} is unchanged: {error.message}",
            hint=f"your text is kept in {copy}" + (f"; {error.hint}" if error.hint else ""),
            code="not_edited",
        ) from error
    shutil.rmtree(folder)
    return new != old


def _editor(environ: Mapping[str, str]) -> list[str]:
    chosen = environ.get("VISUAL") or environ.get("EDITOR")
    found = (program for program in _EDITORS if shutil.which(program, path=environ.get("PATH")))
    command = chosen or next(found, None)
    if command is None:
        raise UsageError("there is no editor", hint="set EDITOR, as in: EDITOR=nano docgenctl config edit")
    try:
        return shlex.split(command)
    except ValueError:
        raise UsageError(
            f"EDITOR cannot be read: {command}", hint="EDITOR=nano docgenctl config edit"
        ) from None


def _edited(
    command: list[str],
    copy: Path,
    before: bytes,
    facts: Mapping[str, ImageFacts],
    again: Callable[[ConfigurationError], bool],
) -> bytes:
    while True:
        _run(command, copy)
        try:
            new = read_bounded(copy, MAX_BYTES) or b""
            if new != before:
                check_text(new, facts)
        except ConfigurationError as error:
            if not again(error):
                raise RefusedError("the text has mistakes", hint="correct it and put it in place") from None
        else:
            return new


def _run(command: list[str], copy: Path) -> None:
    try:
        code = subprocess.call([*command, os.fspath(copy)])
    except OSError as error:
        raise RefusedError(
            f"the editor {command[0]} cannot be run ({error.strerror})", hint="set EDITOR to another one"
        ) from None
    if code:
        raise RefusedError(
            f"the editor {command[0]} ended with exit code {code}",
            hint="save and leave it, or set EDITOR to another one",
        )
