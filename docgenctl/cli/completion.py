"""Answers a shell that wants to know how a command line may go on.

Theory of operation. The scripts that `--install-completion` writes are Typer's: they put the words into
variables, call us, and expect the candidates in the form of their shell. Typer's own answer imports rich for
two of the three shells and resolves the whole tree; a person waits for it at every press of a key. So the
first word is answered from the table of contents alone, and for the others one command's module is imported
and its Typer objects are asked, which also run the suggestions that its parameters have.

A shell gets no errors: what cannot be answered is answered with nothing, and the shell offers files.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from docgenctl.cli.app import COMMANDS
from docgenctl.cli.pages import ROOT_OPTIONS


class Candidate(NamedTuple):
    """A way to go on, and what it means."""

    value: str
    meaning: str = ""


def answer(instruction: str, shell: Mapping[str, str]) -> tuple[str, int] | None:
    """What to print and the exit code, None for a shell or an instruction that is left to Typer."""
    if instruction == "complete_bash":
        words = _words(shell.get("COMP_WORDS", ""))
        at = shell.get("COMP_CWORD", "")
        position = int(at) if at.isdigit() else len(words)
        found = candidates(words[1:position], words[position] if position < len(words) else "")
        return "\n".join(candidate.value for candidate in found), 0
    if instruction not in ("complete_zsh", "complete_fish"):
        return None
    line = shell.get("_TYPER_COMPLETE_ARGS", "")
    words = _words(line)[1:]
    incomplete = words.pop() if words and not line.endswith(" ") else ""
    found = candidates(words, incomplete)
    if instruction == "complete_zsh":
        return _for_zsh(found), 0
    if shell.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return "", int(not found)
    return "\n".join(f"{value}\t{meaning}" if meaning else value for value, meaning in found), 0


def _words(line: str) -> list[str]:
    """The words of a line that may end within quotes."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:
        words.append(reader.token)
    return words


def _for_zsh(found: Sequence[Candidate]) -> str:
    if not found:
        return "_files"
    rows = [
        f'"{_quoted(value)}":"{_quoted(meaning)}"' if meaning else f'"{_quoted(value)}"'
        for value, meaning in found
    ]
    return "_arguments '*: :((" + "\n".join(rows) + "))'"


def _quoted(text: str) -> str:
    """As Typer's zsh script evaluates it: inside double quotes, within single ones."""
    for character, written in (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", "\\\\:")):
        text = text.replace(character, written)
    return text


def candidates(words: Sequence[str], incomplete: str) -> list[Candidate]:
    """How a line may go on after these words; `incomplete` is the beginning of the next one."""
    if not words:
        return _front(incomplete)
    if words[0] not in COMMANDS:
        return []
    from docgenctl.cli.tree import load

    command, rest = load(words[0]), list(words[1:])
    below = getattr(command, "commands", {})
    if below and rest and rest[0] in below:
        command = below[rest.pop(0)]
    elif below and not incomplete.startswith("-"):
        return _starting(
            [Candidate(name, child.get_short_help_str(80)) for name, child in below.items()], incomplete
        )
    context = command.make_context("docgenctl", list(rest), resilient_parsing=True)
    return _within(command, context, rest, incomplete)


def _front(incomplete: str) -> list[Candidate]:
    if incomplete.startswith("-"):
        options = [Candidate(name, told) for term, told in ROOT_OPTIONS for name in term.split(", ")]
        return _starting(options, incomplete)
    return _starting([Candidate(name, entry.summary) for name, entry in COMMANDS.items()], incomplete)


def _within(command: Any, context: Any, rest: Sequence[str], incomplete: str) -> list[Candidate]:
    parameters = command.get_params(context)
    options = [one for one in parameters if one.param_type_name == "option" and not one.hidden]
    if incomplete.startswith("-") and "--" not in rest:
        used = {name for one in options if not one.multiple for name in one.opts if name in rest}
        named = [
            Candidate(name, one.help or "") for one in options if not used & {*one.opts} for name in one.opts
        ]
        return _starting(named, incomplete)
    for option in options:
        if rest and rest[-1] in option.opts and not option.is_flag:
            return _asked(option, context, incomplete)
    for argument in parameters:
        open_still = argument.nargs == -1 or not context.params.get(argument.name)
        if argument.param_type_name == "argument" and open_still:
            return _asked(argument, context, incomplete)
    return []


def _asked(parameter: Any, context: Any, incomplete: str) -> list[Candidate]:
    return [Candidate(item.value, item.help or "") for item in parameter.shell_complete(context, incomplete)]


def _starting(found: Sequence[Candidate], incomplete: str) -> list[Candidate]:
    return [candidate for candidate in found if candidate.value.startswith(incomplete)]
