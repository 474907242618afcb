"""`docgenctl config set|unset|migrate`: change docgen.yaml, and nothing in it but what was asked for."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from docgenctl.configuration.environment import dotenv_values, settings_from
from docgenctl.configuration.key_paths import secret_in_clear, typed_path
from docgenctl.configuration.load import check_text
from docgenctl.configuration.migrations import in_current_layout
from docgenctl.configuration.project_identity import CONFIG_FILE
from docgenctl.configuration.secret_look import looks_secret
from docgenctl.configuration.settings_tree import Setting
from docgenctl.configuration.text_edits import remove_value, set_value
from docgenctl.configuration.yaml_source import MAX_BYTES, decode, parse_yaml
from docgenctl.files.bounded_file import read_bounded
from docgenctl.files.replace_file import remove_file, replace_file, taking_turns
from docgenctl.model.errors import ConfigurationError, Problem, UsageError
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.settings import CURRENT_VERSION, Settings

Facts = Mapping[str, ImageFacts]

#: A docgen.yaml that says nothing.
EMPTY = f"version: {CURRENT_VERSION}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What was done to docgen.yaml, or would be; `diff` is a unified diff, empty when nothing changed.

    `backup` is the old file's copy, where one was made; `made` says that there was no file before, `gone`
    that there is none any more. `notes` are sentences that people should read.
    """

    file: Path
    diff: str
    settings: Settings
    backup: Path | None = None
    notes: tuple[str, ...] = ()
    made: bool = False
    gone: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is a difference."""
        return bool(self.diff)


def set_setting(
    directory: Path, key: str, value: str, *, environ: Mapping[str, str], facts: Facts, dry_run: bool
) -> FileChange:
    """Write one setting, typed as the layout wants it; a missing docgen.yaml is made.

    Raises UsageError for a key that is no setting, ConfigurationError for a value that cannot be used or a
    file that has mistakes elsewhere, RefusedError for a secret or a file that cannot be written.
    """
    path, node = typed_path(key, facts)
    if not isinstance(node, Setting):
        raise UsageError(f"{key} is a section, not a setting", hint=f"docgenctl config get {key}")
    if looks_secret(value):
        raise secret_in_clear(f"the value for {key} looks like a secret, and docgen.yaml is no place for one")

    def edit(text: str) -> tuple[str, Settings]:
        failures: list[ConfigurationError] = []
        for candidate in _readings(value):
            changed = set_value(text, path, candidate)
            try:
                return changed, check_text(changed.encode(), facts)
            except ConfigurationError as error:
                failures.append(error)
        _refuse_broken(text, path, facts)
        raise told_of("VALUE", _most_telling(failures), key)

    return rewrite(directory, edit, dry_run=dry_run, notes=_who_wins(directory, key, environ))


def unset_setting(directory: Path, key: str, *, facts: Facts, dry_run: bool) -> FileChange:
    """Remove a setting or a section, so that the default holds. Raises as `set_setting` does."""
    path, _ = typed_path(key, facts)

    def edit(text: str) -> tuple[str, Settings]:
        changed = remove_value(text, path, keep=lambda section: section[:-1] == ("servers",))
        return changed, check_text(changed.encode(), facts)

    return rewrite(directory, edit, dry_run=dry_run, make=False)


def migrate(directory: Path, *, facts: Facts, dry_run: bool) -> FileChange:
    """Bring docgen.yaml to the current layout and keep a copy of the old one beside it.

    Raises ConfigurationError when the file, or what it becomes, has mistakes, and for a newer layout.
    """

    def edit(text: str) -> tuple[str, Settings]:
        return in_current_layout(text.encode(), CONFIG_FILE).text, check_text(text.encode(), facts)

    return rewrite(directory, edit, dry_run=dry_run, make=False, backup=True, any_layout=True)


Edit = Callable[[str], tuple[str, Settings]]


def rewrite(
    directory: Path,
    edit: Edit,
    *,
    dry_run: bool = False,
    make: bool = True,
    backup: bool = False,
    any_layout: bool = False,
    drop: bool = False,
    notes: tuple[str, ...] = (),
) -> FileChange:
    """Change docgen.yaml by `edit`, which gives the new text and its settings; raises what it raises.

    With `drop` a file, not a link to one, that would say nothing any more is removed.
    Raises RefusedError for a file that cannot be written, ConfigurationError for one of an older layout.
    """
    path = directory / CONFIG_FILE
    with taking_turns(path):
        old = read_bounded(path, MAX_BYTES)
        if old is None and not make:
            return FileChange(file=path, diff="", settings=Settings(), notes=(f"there is no {path}",))
        text = EMPTY if old is None else decode(old, CONFIG_FILE)
        if old is not None and not any_layout:
            _refuse_old_layout(old)
        changed, settings = edit(text)
        gone = drop and changed == EMPTY and not (path.is_symlink() or _mark(old))
        diff = _diff("" if old is None else text, "" if gone else changed)
        copy = None
        if gone and not dry_run:
            remove_file(path, old)
            notes = (*notes, f"{CONFIG_FILE} said nothing any more and is gone")
        elif diff and not dry_run:
            copy = _keep(path, old) if backup and old is not None else None
            replace_file(path, old, _mark(old) + changed.encode())
    return FileChange(
        file=path, diff=diff, settings=settings, backup=copy, notes=notes, made=old is None, gone=gone
    )


def _mark(old: bytes | None) -> bytes:
    """The byte order mark that an editor put there, which stays."""
    return codecs.BOM_UTF8 if old is not None and old.startswith(codecs.BOM_UTF8) else b""


def _refuse_old_layout(data: bytes) -> None:
    if in_current_layout(data, CONFIG_FILE).notes:
        raise ConfigurationError(
            f"{CONFIG_FILE} has an older layout, and changing it now would mix two",
            hint="docgenctl config migrate",
            code="old_layout",
        )


def _diff(old: str, new: str) -> str:
    before = f"a/{CONFIG_FILE}" if old else "/dev/null"
    after = f"b/{CONFIG_FILE}" if new else "/dev/null"
    lines = unified_diff(_lines(old), _lines(new), before, after)
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").splitlines(keepends=True)


def _keep(path: Path, old: bytes) -> Path:
    """A copy of the old file under a name that is not taken by another content."""
    for number in range(1, 1000):
        copy = path.with_name(f"{path.name}.{number}.bak")
        there = read_bounded(copy, MAX_BYTES)
        if there is None:
            replace_file(copy, None, old)
        if there in (None, old):
            return copy
    raise AssertionError("a thousand copies")  # pragma: no cover


def _readings(value: str) -> Iterator[Any]:
    """What a typed value may mean: what YAML reads in it, its own text, the items of a list."""
    parsed: Any = None
    if "\n" not in value:
        try:
            parsed = parse_yaml(f"value: {value}\n".encode(), "VALUE").values["value"]
        except (ConfigurationError, UnicodeEncodeError):
            parsed = None
    if parsed is not None and not isinstance(parsed, dict) and parsed != value:
        yield parsed
    if not isinstance(parsed, list):
        if value and not value.isspace() and not isinstance(parsed, bool | int | float):
            yield [item.strip() for item in value.split(",") if item.strip()]
        yield value


def _most_telling(failures: list[ConfigurationError]) -> ConfigurationError:
    """Why the last reading cannot be used, or its items, where it only says that a list is wanted."""
    *others, last = failures
    return others[-1] if others and last.hint.startswith("write [") else last


def told_of(argument: str, error: ConfigurationError, key: str) -> ConfigurationError:
    """The same mistakes at and below `key`, told of an argument: nothing of it stands in the file."""
    problems = [
        Problem(argument, 0, problem.key_path, problem.message, problem.hint)
        if problem.key_path.startswith(key)
        else problem
        for problem in error.problems
    ]
    if len(problems) == 1:
        return ConfigurationError(str(problems[0]), problems=problems, hint=problems[0].hint)
    return ConfigurationError(error.message, problems=problems, hint=error.hint)


def _refuse_broken(text: str, path: tuple[str, ...], facts: Facts) -> None:
    """Tell mistakes that were there before, at other keys, with the lines that they stand in."""
    try:
        check_text(text.encode(), facts)
    except ConfigurationError as error:
        if any(not problem.key_path.startswith("/".join(path)) for problem in error.problems):
            raise ConfigurationError(
                f"{CONFIG_FILE} has mistakes already, and is left as it is",
                problems=error.problems,
                hint="docgenctl config edit",
            ) from None


def _who_wins(directory: Path, key: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence when a variable wins over what is written to the file."""
    for source, variables in (("the environment", environ), (".env", dotenv_values(directory))):
        found = settings_from(variables).get(key.strip("/"))
        if found:
            variable, value = found
            return (f"{variable} in {source} wins over {CONFIG_FILE}: {key} stays {value}",)
    return ()
