import os
import stat
from pathlib import Path

from docgenctl.model.history import HistoryEntry, Result
from docgenctl.state.history import History
from docgenctl.state.this_process import without_secrets


def entry(change: str, *arguments: str) -> HistoryEntry:
    return HistoryEntry(
        id=change,
        command="docgenctl up",
        arguments=arguments,
        started="2026-01-31T08:00:00+00:00",
        user="ada",
        host="here",
        pid=7,
        tool_version="0.1.0",
        result=Result.RUNNING,
    )


def test_a_command_is_told_with_who_what_when_and_how_it_ended(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.began(entry("a", "up", "--port", "8080"))
    history.ended("a", result=Result.FAILED, exit_code=4, error_code="port_taken", duration_s=1.5)
    (told,) = history.entries()
    assert (told.user, told.host, told.pid, told.arguments) == ("ada", "here", 7, ("up", "--port", "8080"))
    assert (told.result, told.exit_code, told.error_code, told.duration_s) == ("failed", 4, "port_taken", 1.5)


def test_a_command_without_an_end_runs_while_it_holds_the_lock_and_is_unknown_after(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.began(entry("a"))
    assert [told.result for told in history.entries(running="a")] == [Result.RUNNING]
    assert [told.result for told in history.entries()] == [Result.UNKNOWN]


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.began(entry("a"))
    history.began(entry("b"))
    file = tmp_path / "history.jsonl"
    os.truncate(file, file.stat().st_size - 9)
    history.began(entry("c"))
    assert [told.id for told in history.entries()] == ["a", "c"]


def test_lines_of_no_sense_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(b'{"began": 3}\n[]\n\xff\n{"began": "x", "pid": "y"}\nnull\n')
    assert [told.id for told in History(tmp_path).entries()] == ["x"]


def test_it_stays_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    history = History(tmp_path, largest_bytes=4096)
    for number in range(200):
        history.began(entry(str(number)))
        history.ended(str(number), result=Result.DONE, exit_code=0, duration_s=0.1)
    sizes = [path.stat().st_size for path in tmp_path.glob("history*")]
    assert len(sizes) == 2
    assert max(sizes) < 4096 + 512
    assert history.entries()[-1].id == "199"
    assert all(told.result is Result.DONE for told in history.entries()[1:])


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        History(tmp_path).began(entry("a"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "history.jsonl").stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "history.jsonl").symlink_to("victim")
    History(tmp_path).began(entry("a"))
    assert (tmp_path / "victim").read_text() == "precious"
    assert History(tmp_path).entries() == ()
    History(tmp_path / "absent").began(entry("a"))
    assert History(tmp_path / "absent").entries() == ()


def test_a_command_line_is_kept_without_what_may_be_secret() -> None:
    key = "dgk_" + "a" * 43
    environ = {"GITHUB_TOKEN": "a-long-secret", "API_KEY": "short", "EDITOR": "editor-of-mine"}
    arguments = [
        *("config", "set", "servers/github/token", "hush", "--token=hush", "--password", "hush"),
        *("--port", "8080", f"x{key}y", "https://me:hush@example.test/", "with a-long-secret in it"),
        *("API_KEY=hush", "editor-of-mine", "short"),
    ]
    shown = without_secrets(arguments, environ)
    text = " ".join(shown)
    assert "hush" not in text
    assert key not in text
    assert "a-long-secret" not in text
    assert shown[:3] == ("config", "set", "servers/github/token")
    assert {"--port", "8080", "editor-of-mine", "short", "https://***@example.test/"} <= set(shown)


def test_a_command_line_of_any_length_is_kept_in_bounds() -> None:
    shown = without_secrets(["x" * 100_000] * 1000, {})
    assert sum(map(len, shown)) <= 50 * 200
