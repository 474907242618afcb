"""Entries of `servers` in docgen.yaml with their locks: put in, taken out, put back."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docgenctl.actions.change_configuration import EMPTY
from docgenctl.actions.choose_source import Source
from docgenctl.actions.edit_servers import put_back_on_failure, put_in, refuse_taken, take_out
from docgenctl.configuration.load import check_text
from docgenctl.files.replace_file import remove_file
from docgenctl.images.facts import all_image_facts
from docgenctl.model.errors import ConfigurationError, RefusedError, UsageError
from docgenctl.model.server_sources import parse_package

FACTS = all_image_facts()
TIME = "pypi:mcp-server-time==2026.1.1"
FILE, LOCK = "docgen.yaml", "docgen.lock.d/time.txt"


def source(**settings: Any) -> Source:
    return Source(
        settings={"stdio": "mcp-server-time", "packages": [TIME], **settings},
        packages=(parse_package(TIME),),
        lock=f"# {TIME}\n",
    )


def test_an_entry_and_its_lock_are_written_and_the_rest_of_the_file_is_left(tmp_path: Path) -> None:
    text = "# ours\nversion: 2\nservers:\n    main: {port: 3210}   # kept\nlog_level: debug\n"
    (tmp_path / FILE).write_text(text)
    change = put_in(tmp_path, "time", source(environment={"A": "b"}, data=True), facts=FACTS)
    assert not change.made
    entry = change.settings.servers["time"]
    assert (entry.stdio, entry.packages, entry.environment) == ("mcp-server-time", (TIME,), {"A": "b"})
    assert entry.data
    assert (tmp_path / LOCK).read_text() == f"# {TIME}\n"
    after = (tmp_path / FILE).read_text()
    assert [line for line in after.splitlines() if line not in text.splitlines()] == [
        "    time:",
        "        stdio: mcp-server-time",
        f'        packages: ["{TIME}"]',
        "        environment:",
        '            A: "b"',
        "        data: true",
    ]
    assert [line for line in text.splitlines() if line not in after.splitlines()] == []
    take_out(tmp_path, "time", facts=FACTS)
    assert (tmp_path / FILE).read_text() == text
    assert not (tmp_path / "docgen.lock.d").exists()


def test_a_file_that_is_not_there_is_made_and_goes_only_when_it_is_ours_and_empty(
    tmp_path: Path,
) -> None:
    assert put_in(tmp_path, "time", source(), facts=FACTS).made
    put_in(tmp_path, "other", Source(settings={"url": "https://mcp.example.com/mcp"}), facts=FACTS)
    assert take_out(tmp_path, "time", facts=FACTS, made_by_us=True).notes == ()
    assert (tmp_path / FILE).is_file(), "there is another server in it"
    gone = take_out(tmp_path, "other", facts=FACTS, made_by_us=True)
    assert gone.gone
    assert gone.diff.startswith("--- a/docgen.yaml\n+++ /dev/null\n")
    assert gone.notes == ("docgen.yaml said nothing any more and is gone",)
    assert list(tmp_path.iterdir()) == []

    put_in(tmp_path, "time", source(), facts=FACTS)
    take_out(tmp_path, "time", facts=FACTS)
    assert (tmp_path / FILE).read_text() == EMPTY, "nobody said that it is ours"


@pytest.mark.parametrize("more", ["# a thought\n", "log_level: debug\n"])
def test_a_file_to_which_people_added_something_stays(tmp_path: Path, more: str) -> None:
    put_in(tmp_path, "time", source(), facts=FACTS)
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text + more)
    take_out(tmp_path, "time", facts=FACTS, made_by_us=True)
    assert (tmp_path / FILE).read_text() == EMPTY + more


def test_a_server_that_is_there_by_default_is_switched_off(tmp_path: Path) -> None:
    change = take_out(tmp_path, "github", facts=FACTS, made_by_us=True)
    assert not change.settings.servers["github"].enabled
    assert (tmp_path / FILE).read_text() == EMPTY + "servers:\n  github:\n    enabled: false\n"


def test_what_the_layout_does_not_know_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        put_in(tmp_path, "time", source(container_port=1), facts=FACTS)
    with pytest.raises(ConfigurationError):
        put_in(tmp_path, "Bad", source(), facts=FACTS)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_is_told_with_the_way_to_have_it() -> None:
    wiki = b"wiki: {url: 'https://mcp.example.com/mcp'}"
    settings = check_text(b"servers: {github: {enabled: false}, " + wiki + b"}", FACTS)
    refuse_taken(settings, "free")
    with pytest.raises(UsageError) as taken:
        refuse_taken(settings, "main")
    assert taken.value.hint == "choose another name"
    with pytest.raises(UsageError) as own:
        refuse_taken(settings, "wiki")
    assert own.value.hint == "docgenctl servers remove wiki, or choose another name"
    with pytest.raises(UsageError) as off:
        refuse_taken(settings, "github")
    assert off.value.hint == "docgenctl config set servers/github/enabled true, or choose another name"


def contents(folder: Path) -> Mapping[str, tuple[str, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in files}


def fail_midway(folder: Path, failure: BaseException) -> None:
    with put_back_on_failure(folder):
        put_in(folder, "time", source(), facts=FACTS)
        take_out(folder, "old", facts=FACTS)
        raise failure


@pytest.mark.parametrize("failure", [UsageError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [None, "# ours\nservers: {main: {port: 3210}}\n"])
def test_whatever_fails_meanwhile_file_and_locks_are_as_they_were(
    tmp_path: Path, failure: BaseException, before: str | None
) -> None:
    if before is not None:
        (tmp_path / FILE).write_text(before)
        (tmp_path / FILE).chmod(0o640)
        put_in(tmp_path, "old", source(), facts=FACTS)
    was = contents(tmp_path)
    with pytest.raises(type(failure)):
        fail_midway(tmp_path, failure)
    assert contents(tmp_path) == was
    assert (tmp_path / "docgen.lock.d").exists() == (before is not None)


def test_a_file_that_somebody_wrote_to_meanwhile_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(EMPTY + "log_level: debug\n")
    with pytest.raises(RefusedError) as caught:
        remove_file(path, EMPTY.encode())
    assert caught.value.code == "changed_meanwhile"
    assert path.is_file()
    remove_file(path, path.read_bytes())
    assert not path.exists()
    remove_file(path)
