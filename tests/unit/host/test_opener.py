import time
from pathlib import Path

import pytest

from docgenctl.host.opener import open_file


def test_without_a_desktop_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert open_file(tmp_path / "readme.md") is False


def test_the_desktop_s_viewer_gets_the_file_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = tmp_path / "xdg-open"
    viewer.write_text('#!/bin/sh\nprintf %s "$1" > "$1.seen.new" && /bin/mv "$1.seen.new" "$1.seen"\n')
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    document = tmp_path / "a b.md"
    assert open_file(document) is True
    seen = tmp_path / "a b.md.seen"
    deadline = time.monotonic() + 10
    while not seen.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert seen.read_text() == str(document)


def test_without_a_display_the_desktop_s_viewer_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n")
    (tmp_path / "xdg-open").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert open_file(tmp_path / "readme.md") is False
