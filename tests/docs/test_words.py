"""Nothing in the documents points to what is not there: files, headings, commands, options, settings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.cli.app import COMMANDS
from docs.generate import commands, option_names

from .documents import DOCUMENTS, ROOT

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_OF_THE_ROOT = {"--help", "-h", "--install-completion", "--show-completion"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(text: str) -> set[str]:
    """Anchors of a document's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def code_of(text: str) -> Iterator[str]:
    """Lines of fenced blocks, and inline code."""
    for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def mentions(text: str) -> Iterator[str]:
    """What follows `docgenctl` wherever a command is written, up to the end of that command."""
    for code in code_of(text):
        for mention in re.findall(r"(?<![\w./-])docgenctl ([a-z][^|;#&>]*)", code):
            yield mention.strip()
        yield from (" ".join(words) for words in re.findall(r'"docgenctl", "(\w+)", "(--\w+)"', code))


@each_document
def test_commands_and_options_that_are_mentioned_exist(document: Path) -> None:
    known = commands()
    for mention in mentions(document.read_text(encoding="utf-8")):
        words = mention.split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known or name in COMMANDS, mention
        options = [word.partition("=")[0].rstrip(",.)'\"") for word in words if word.startswith("-")]
        allowed = option_names(known[name]) if name in known else ("--help",)
        assert set(options) <= {*allowed}, mention


@each_document
def test_options_that_stand_alone_belong_to_some_command(document: Path) -> None:
    every = _OF_THE_ROOT.union(*(option_names(command) for command in commands().values()))
    for code in re.findall(r"`(--[a-z-]+)`", document.read_text(encoding="utf-8")):
        assert code in every | {"--no-index", "--network"}, code


@each_document
def test_targets_of_make_that_are_mentioned_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for code in code_of(document.read_text(encoding="utf-8")):
        for target in re.findall(r"(?:^|\s)make ([a-z-]+)", code):
            assert target in targets, code


@each_document
def test_paths_of_the_repository_that_are_mentioned_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:docgenctl|server_images|docs|requirements)/[\w./-]+)`", text):
        if "docs/generated" not in path:
            assert (ROOT / path).exists(), path


def test_the_readers_find_what_they_look_for() -> None:
    text = "`docgenctl up --nonsense`\n```sh\ncd x && docgenctl status --json\n```\n"
    assert sorted(mentions(text)) == ["status --json", "up --nonsense"]


@each_document
def test_lines_fit_the_screen(document: Path) -> None:
    text = re.sub(r"<!-- generated: .*?<!-- end of", "", document.read_text(encoding="utf-8"), flags=re.S)
    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "  "))]
    assert not long
