"""Project names, by one rule for all who give one, and never raw to Compose."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl, environment

REFUSED = ["Ünïcode", "Upper", "-x", "x-", "x" * 300, "../x", "a/b", "a b", "x", "1x", "a_b", "$(id)", "a\nb"]
RULE = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_against_the_rule_is_refused_wherever_it_is_given(tmp_path: Path, name: str) -> None:
    for argv, environ in (
        (["config", "set", "--", "project", name], {}),
        (["render"], {"DOCGEN_PROJECT": name}),
    ):
        ran = docgenctl(tmp_path, *argv, environ=environ)
        assert ran.returncode == 3, ran.stderr
        assert "is not a name" in ran.stderr.splitlines()[0]
        assert "Hint: write 2 to 32 lower-case letters" in ran.stderr
    assert not any((tmp_path / "workspace").iterdir())


def test_an_empty_name_is_none(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "render", environ={"DOCGEN_PROJECT": ""}).returncode == 0


@pytest.mark.parametrize(
    "directory",
    [
        "Ünïcode",
        "UPPER",
        "-x",
        "x" * 200,
        "a b",
        "$(touch owned)",
        "日本語",
        "a\nb",
        "...",
        "caf\udce9",
        "'\"`;&",
    ],
)
def test_a_stack_is_named_after_any_directory(tmp_path: Path, directory: str) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + os.fsencode(directory)))
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "docgenctl", "render"],
        cwd=folder,
        env=environment(tmp_path),
        capture_output=True,
        timeout=60,
    )
    if "\udce9" in directory:
        assert ran.returncode == 6, ran.stderr
        assert b"is not UTF-8, and a compose file cannot name it" in ran.stderr
        return
    assert ran.returncode == 0, ran.stderr
    (name,) = re.findall(r"^name: (.*)$", (folder / "docker-compose.mcp.yml").read_text(), re.MULTILINE)
    assert RULE.fullmatch(name.strip("'\""))
    assert not (folder / "owned").exists()


def test_two_renders_are_the_same_bytes_private_where_it_counts_and_without_secrets(tmp_path: Path) -> None:
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    environ = {"GITHUB_TOKEN": secret}
    rounds = []
    for _ in range(2):
        assert docgenctl(tmp_path, "render", environ=environ).returncode == 0
        files = [path for path in sorted((tmp_path / "workspace").rglob("*")) if path.is_file()]
        rounds.append({path: path.read_bytes() for path in files})
    assert rounds[0] == rounds[1]
    keys = [path.read_bytes().strip() for path in (tmp_path / "state").rglob("*key*") if path.is_file()]
    for path, content in rounds[0].items():
        assert secret.encode() not in content
        assert not any(key and key in content for key in keys), path
        if path.name.startswith(".env"):
            assert path.stat().st_mode & 0o777 == 0o600
