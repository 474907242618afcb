"""Entries of `servers` in docgen.yaml, with their locks: put in, taken out, and put back as they were."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docgenctl.actions.change_configuration import Facts, FileChange, rewrite, told_of
from docgenctl.actions.choose_source import Source
from docgenctl.configuration.load import check_text
from docgenctl.configuration.package_locks import remove_locks, write_lock
from docgenctl.configuration.project_identity import CONFIG_FILE, LOCKS_FOLDER
from docgenctl.configuration.text_edits import remove_value, set_value
from docgenctl.configuration.yaml_source import MAX_BYTES
from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.replace_file import replace_file, taking_turns
from docgenctl.model.errors import ConfigurationError, UsageError
from docgenctl.model.setting_values import NAME_PATTERN
from docgenctl.model.settings import Settings

_MAX_LOCK_BYTES = 8 * 1024 * 1024


def put_in(directory: Path, name: str, source: Source, *, facts: Facts) -> FileChange:
    """Write an entry and its lock.

    Raises ConfigurationError for what cannot be used, RefusedError for a file that cannot be written.
    """
    change = rewrite(directory, lambda text: _with_entry(text, name, source.settings, facts))
    if source.packages:
        write_lock(directory, name, source.packages[0].registry, source.lock)
    return change


def take_out(directory: Path, name: str, *, facts: Facts, made_by_us: bool = False) -> FileChange:
    """Remove an entry and its locks; a server that is there by default is switched off instead.

    A file that is `made_by_us` is removed once it says nothing any more. Raises as `put_in` does.
    """
    by_default = name in Settings().servers

    def edit(text: str) -> tuple[str, Settings]:
        changed = remove_value(text, ("servers", name))
        if by_default:
            changed = set_value(changed, ("servers", name, "enabled"), False)
        return changed, check_text(changed.encode(), facts)

    change = rewrite(directory, edit, drop=made_by_us)
    remove_locks(directory, name)
    return change


@contextmanager
def put_back_on_failure(directory: Path) -> Iterator[None]:
    """Put docgen.yaml and all locks back as they were when what is done meanwhile fails or is interrupted."""
    before = _contents(directory)
    try:
        yield
    except BaseException:
        _restore(directory, before)
        raise


def _with_entry(text: str, name: str, settings: Mapping[str, Any], facts: Facts) -> tuple[str, Settings]:
    changed = text
    for key, value in settings.items():
        if isinstance(value, Mapping):
            for inner, text_value in value.items():
                changed = set_value(changed, ("servers", name, key, inner), text_value)
        else:
            changed = set_value(changed, ("servers", name, key), value)
    try:
        return changed, check_text(changed.encode(), facts)
    except ConfigurationError as error:
        raise told_of("the new entry", error, f"servers/{name}") from None


def refuse_no_name(name: str) -> None:
    """Raise UsageError for what cannot name a server, before anything is looked up for it."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise UsageError(
            f"{name!r} cannot name a server",
            hint="write 2 to 32 lower-case letters, digits and dashes, a letter first and no dash last",
        )


def refuse_taken(settings: Settings, name: str) -> None:
    """Raise UsageError when there is a server of that name."""
    entry = settings.servers.get(name)
    if entry is None:
        return
    if entry.enabled:
        another = "choose another name"
        own = name not in Settings().servers
        hint = f"docgenctl servers remove {name}, or {another}" if own else another
        raise UsageError(f"there is a server {name} already", hint=hint)
    hint = f"docgenctl config set servers/{name}/enabled true, or choose another name"
    raise UsageError(f"there is a server {name} already, which is switched off", hint=hint)


def _contents(directory: Path) -> dict[Path, bytes | None]:
    files = [directory / CONFIG_FILE, *sorted((directory / LOCKS_FOLDER).glob("*"))]
    return {path: read_bounded(path, max(MAX_BYTES, _MAX_LOCK_BYTES)) for path in files}


def _restore(directory: Path, before: Mapping[Path, bytes | None]) -> None:
    for path in {*before, *_contents(directory)}:
        old, now = before.get(path), read_bounded(path, max(MAX_BYTES, _MAX_LOCK_BYTES))
        if old is None:
            path.unlink(missing_ok=True)
        elif old != now:
            path.parent.mkdir(exist_ok=True)
            with taking_turns(path):
                replace_file(path, now, old)
    folder = directory / LOCKS_FOLDER
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
