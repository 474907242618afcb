"""What is remembered of tools, and what the orchestrator is told of it."""

import json
import stat
from pathlib import Path

import pytest

from docgenctl.model.errors import ConfigurationError
from docgenctl.state.definitions import KnownTool, delivered, read_definitions, write_definitions

KNOWN = {"main": {"a": KnownTool("d" * 64, "2026-11-22T10:00:00+00:00", definition={"name": "a"})}}


def test_what_is_written_is_read_again_and_private(tmp_path: Path) -> None:
    assert read_definitions(tmp_path) == {}
    write_definitions(tmp_path, KNOWN)
    assert read_definitions(tmp_path) == KNOWN
    assert stat.S_IMODE((tmp_path / "definitions.json").stat().st_mode) == 0o600


def test_the_orchestrator_is_told_digests_alone() -> None:
    assert json.loads(delivered(KNOWN)) == {"version": 1, "servers": {"main": {"a": "d" * 64}}}


def test_a_tool_that_became_another_keeps_when_it_was_first_seen() -> None:
    became = KNOWN["main"]["a"].became("e" * 64, {"name": "a", "title": "A"}, "2026-11-23T10:00:00+00:00")
    assert (became.digest, became.first_seen, became.changed) == (
        "e" * 64,
        "2026-11-22T10:00:00+00:00",
        "2026-11-23T10:00:00+00:00",
    )


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', '{"version": 1, "servers": {"main": {"a": {}}}}']
)
def test_a_damaged_file_is_an_error_and_no_fresh_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        read_definitions(tmp_path)
    assert caught.value.code == "state_damaged"
