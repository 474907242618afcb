"""`docgenctl keys` on the command line, without an engine: what is printed where, and what is refused."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl, environment

KEY = re.compile(r"dgk_[A-Za-z0-9_-]{43}")


def created(folder: Path, *argv: str) -> str:
    done = docgenctl(folder, "keys", "create", *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def files_with(folder: Path, raw: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and raw.encode() in path.read_bytes()]


def test_a_key_is_printed_once_alone_on_standard_output_and_kept_nowhere(tmp_path: Path) -> None:
    wanted = ("--scope", "*:read", "--rate", "10/s", "--expires", "30d")
    done = docgenctl(tmp_path, "keys", "create", "ci", *wanted)
    assert done.returncode == 0, done.stderr
    assert KEY.fullmatch(done.stdout.strip())
    assert done.stdout.count("\n") == 1
    assert "*:read; 10/s; until " in done.stderr
    assert "the next docgenctl up lets it in" in done.stderr
    assert "dgk_" not in done.stderr
    assert files_with(tmp_path, done.stdout.strip()) == []
    assert files_with(tmp_path, "dgk_") == []


def test_programs_get_it_as_json(tmp_path: Path) -> None:
    document = json.loads(created(tmp_path, "ci", "--tool-rate", "docs_*=5/m", "--json"))
    assert KEY.fullmatch(document.pop("key"))
    assert document.pop("created")
    assert document == {
        "name": "ci",
        "scopes": ["*"],
        "rate": None,
        "tool_rates": {"docs_*": "5/m"},
        "expires": None,
        "revoked": None,
        "file": None,
        "delivered": False,
    }


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_file_gets_it_for_its_owner_alone_and_nobody_else_sees_it(tmp_path: Path, mask: int) -> None:
    out = tmp_path / "ci.key"
    before = os.umask(mask)
    try:
        done = docgenctl(tmp_path, "keys", "create", "ci", "--out", str(out))
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert "dgk_" not in done.stdout + done.stderr
    assert KEY.fullmatch(out.read_text().strip())
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_file_that_is_there_a_link_or_one_in_the_workspace_is_refused_and_no_key_is_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "there").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    for place in ("there", "link", "workspace/key", "no/such/folder", "."):
        done = docgenctl(tmp_path, "keys", "create", "ci", "--out", str(tmp_path / place))
        assert done.returncode == 6, (place, done.stderr)
    assert (tmp_path / "there").read_text() == "precious"
    assert not (tmp_path / "workspace" / "key").exists()
    assert json.loads(docgenctl(tmp_path, "keys", "list", "--json").stdout) == []


def test_no_file_is_left_of_a_key_that_was_not_made(tmp_path: Path) -> None:
    created(tmp_path, "ci")
    done = docgenctl(tmp_path, "keys", "create", "ci", "--out", str(tmp_path / "ci.key"))
    assert done.returncode == 6
    assert not (tmp_path / "ci.key").exists()


def test_the_list_tells_what_each_may_do_and_no_value_or_hash(tmp_path: Path) -> None:
    raw = created(tmp_path, "ci", "--scope", "main", "--scope", "github:read", "--rate", "600/m")
    created(tmp_path, "bot")
    assert docgenctl(tmp_path, "keys", "revoke", "bot").returncode == 0
    listed = docgenctl(tmp_path, "keys", "list")
    assert listed.returncode == 0
    rows = [re.split(r"  +", line) for line in listed.stdout.splitlines()]
    assert rows[0] == ["NAME", "STATE", "SCOPES", "RATES", "CREATED", "EXPIRES"]
    assert rows[1][:4] == ["ci", "active", "main github:read", "600/m"]
    assert len(rows) == 2
    document = json.loads(docgenctl(tmp_path, "keys", "list", "--all", "--json").stdout)
    assert [(key["name"], key["state"]) for key in document] == [("bot", "revoked"), ("ci", "active")]
    text = listed.stdout + json.dumps(document)
    assert raw not in text
    assert not re.search(r"[0-9a-f]{64}", text)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["Bad Name"], "cannot name a key"),
        (["default"], "docgenctl's own"),
        (["upstream-main"], "docgenctl's own"),
        (["ci", "--scope", "main:write"], "is not a scope"),
        (["ci", "--rate", "fast"], "is not a rate"),
        (["ci", "--tool-rate", "x"], "is not a tool's rate"),
        (["ci", "--expires", "yesterday"], "does not say when a key ends"),
        (["ci", "--expires", "2020-01-01"], "would never have been valid"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_made(
    tmp_path: Path, argv: list[str], told: str
) -> None:
    done = docgenctl(tmp_path, "keys", "create", *argv)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Hint: " in done.stderr
    assert not list((tmp_path / "state").rglob("keys.json"))


def test_a_server_that_is_not_there_is_told_and_may_come_later(tmp_path: Path) -> None:
    done = docgenctl(tmp_path, "keys", "create", "ci", "--scope", "notion:read")
    assert done.returncode == 0
    assert "there is no server notion yet" in done.stderr


def test_the_default_key_is_revoked_only_after_a_yes(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "render").returncode == 0
    (file,) = (tmp_path / "state").rglob("api-key")
    before = file.read_text()
    processes = {"DOCGENCTL_ENGINE": "process"}
    done = docgenctl(tmp_path, "keys", "revoke", "default", "--json", environ=processes)
    assert done.returncode == 6
    assert json.loads(done.stdout)["error"]["code"] == "not_confirmed"
    assert "docgenctl itself calls with the default key" in done.stderr
    assert file.read_text() == before
    done = docgenctl(tmp_path, "keys", "revoke", "default", "--yes", environ=processes)
    assert done.returncode == 0, done.stderr
    assert file.read_text() != before
    assert "dgk_" not in done.stdout + done.stderr


def test_changes_are_in_the_history_and_wait_for_the_lock(tmp_path: Path) -> None:
    raw = created(tmp_path, "ci")
    docgenctl(tmp_path, "keys", "revoke", "ci")
    told = docgenctl(tmp_path, "history", "--json").stdout
    commands = [entry["command"] for entry in json.loads(told)]
    assert {"docgenctl keys create", "docgenctl keys revoke"} <= set(commands)
    assert raw not in told


def test_two_at_once_both_make_their_keys(tmp_path: Path) -> None:
    created(tmp_path, "first")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "docgenctl", "keys", "create", f"k{number}", "--wait-lock", "30"],
            cwd=tmp_path / "workspace",
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    values = {process.communicate(timeout=60)[0].strip() for process in running}
    assert len(values) == 4
    listed = json.loads(docgenctl(tmp_path, "keys", "list", "--json").stdout)
    assert [key["name"] for key in listed] == ["first", "k0", "k1", "k2", "k3"]


def test_a_dry_run_says_what_would_be_and_changes_nothing(tmp_path: Path) -> None:
    done = docgenctl(tmp_path, "keys", "create", "ci", "--rate", "5/s", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "")
    assert "The key ci would be made: everything; 5/s." in done.stderr
    assert not (tmp_path / "state").exists()
    created(tmp_path, "ci")
    (file,) = (tmp_path / "state").rglob("keys.json")
    before = file.read_bytes()
    assert docgenctl(tmp_path, "keys", "create", "ci", "--dry-run").returncode == 6
    assert docgenctl(tmp_path, "keys", "revoke", "nobody", "--dry-run").returncode == 2
    assert docgenctl(tmp_path, "keys", "revoke", "ci", "--dry-run", "--json").returncode == 0
    assert file.read_bytes() == before
