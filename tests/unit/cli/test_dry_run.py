"""Every command that changes something can be asked what it would do, and then changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docgenctl.configuration.package_locks import write_lock
from tests.unit.cli.test_commands import ALL

#: These change nothing: neither the stack, nor the workspace, nor the state.
READ_ONLY = {
    *("status", "prove", "health", "logs", "history", "plan", "endpoint", "version"),
    *("config", "config validate", "config show", "config get", "config schema", "tools", "tools list"),
    *("tools inspect", "routes", "verify"),
    *("clients", "clients list", "clients doctor", "clients snippet", "servers", "servers list"),
    *("servers inspect",),
    *("documents", "documents list", "documents show", "templates", "templates list", "templates show"),
    *("templates history", "templates diff", "templates preview", "templates export"),
    *("lock", "lock status", "describe", "topology", "open", "ports", "ports list", "ports diagnose"),
    *("keys", "keys list", "mcp"),
}
#: What they do cannot be foreseen, and is asked for one thing at a time.
WITHOUT = {
    "generate": "writes the one document that it names",
    "documents export": "writes the one file that it names",
    "templates create": "stores the one template that it names; preview shows it first",
    "templates update": "stores one more version; preview shows it first",
    "templates rollback": "stores one more version",
    "templates delete": "asks",
    "templates render": "writes the one document that it names",
    "templates import": "stores the one template that it names",
    "servers lock": "writes the one lock that it names",
    "tools accept": "accepts the tools that it names; inspect shows them first",
    "tools call": "does whatever the server's tool does",
    "lock release": "shows the owner and asks",
    "config edit": "shows the text in the editor, and writes nothing when that is left",
}


@pytest.mark.parametrize(("path", "node"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_changing_command_has_a_dry_run(path: tuple[str, ...], node: Any) -> None:
    name = " ".join(path)
    options = {option for parameter in node.params for option in parameter.opts}
    assert ("--dry-run" in options) == (name not in READ_ONLY and name not in WITHOUT)


ADD = "servers add wiki --url https://mcp.example.com/mcp"
NEEDS_NO_ENGINE = [
    *("init", "render", "config set log_level debug", "plan"),
    *(ADD, f"{ADD} --no-up", "servers remove github"),
]
#: Their dry run needs an engine to ask; that they change nothing without one is the least.
NEEDS_ENGINE = [
    *("up", "down", "down --volumes", "deploy", "build", "start", "stop", "restart", "base-image"),
    *("scale orchestrator=2", "servers remove github --volumes"),
]


def tree(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder below, with mode, time of change and content; but for the cache of templates."""
    return {
        str(path.relative_to(directory)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in directory.rglob("*")
        if path.relative_to(directory).parts[0] != "cache"
    }


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "DOCGENCTL_STATE_DIR": str(directory / "state"),
        "DOCGENCTL_CACHE_DIR": str(directory / "cache"),
        "DOCKER_HOST": f"unix://{directory}/no-engine.sock",
    }
    return subprocess.run(
        [sys.executable, "-m", "docgenctl", *arguments],
        cwd=directory / "workspace",
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", NEEDS_NO_ENGINE + NEEDS_ENGINE)
def test_a_dry_run_in_a_fresh_directory_leaves_no_trace(tmp_path: Path, words: str) -> None:
    (tmp_path / "workspace").mkdir()
    before = tree(tmp_path)
    done = run(tmp_path, *words.split(), *([] if words == "plan" else ["--dry-run"]))
    assert done.returncode == (4 if words in NEEDS_ENGINE else 0), done.stderr
    assert tree(tmp_path) == before


@pytest.mark.parametrize("words", ["render", "plan"])
def test_a_dry_run_in_a_used_directory_leaves_all_as_it_was(tmp_path: Path, words: str) -> None:
    (tmp_path / "workspace").mkdir()
    assert run(tmp_path, "render").returncode == 0
    (tmp_path / "workspace" / "docgen.yaml").write_text("log_level: debug\n")
    before = tree(tmp_path)
    done = run(tmp_path, words, *([] if words == "plan" else ["--dry-run"]))
    assert done.returncode == 0, done.stderr
    assert "+MCP_LOG_LEVEL=debug" in done.stdout
    assert tree(tmp_path) == before


def test_a_server_that_would_come_or_go_is_shown_as_a_difference_and_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    added = run(tmp_path, *ADD.split(), "--dry-run")
    assert (added.returncode, added.stderr.splitlines()[-1]) == (
        0,
        "The stack would be left as it is; docgenctl up changes it.",
    )
    assert {"  docgen.yaml is created", "+  wiki:"} <= set(added.stdout.splitlines())
    assert run(tmp_path, *ADD.split()).returncode == 0
    package = "pypi:mcp-server-time==2026.1.1"
    with (tmp_path / "workspace" / "docgen.yaml").open("a") as file:
        file.write(f'  time: {{stdio: mcp-server-time, packages: ["{package}"]}}\n')
    write_lock(tmp_path / "workspace", "time", "pypi", f"# {package}\n")
    before = tree(tmp_path)
    gone = json.loads(run(tmp_path, "servers", "remove", "time", "--dry-run", "--json").stdout)
    assert (gone["command"], gone["changes"], gone["steps"]) == ("servers remove", True, [])
    assert [(file["path"], file["change"]) for file in gone["files"]] == [
        ("docgen.yaml", "changed"),
        ("docgen.lock.d/time.txt", "removed"),
    ]
    assert "-  time: " in gone["files"][0]["diff"]
    taken = run(tmp_path, *ADD.split(), "--dry-run")
    assert (taken.returncode, "there is a server wiki already" in taken.stderr) == (2, True)
    assert tree(tmp_path) == before

    assert run(tmp_path, "servers", "remove", "time").returncode == 0
    last = json.loads(run(tmp_path, "servers", "remove", "wiki", "--dry-run", "--json").stdout)
    (file,) = last["files"]
    assert (file["path"], file["change"]) == ("docgen.yaml", "removed"), "adding a server had made it"
    assert "+++ /dev/null" in file["diff"]
    assert (tmp_path / "workspace" / "docgen.yaml").is_file()


def test_the_detailed_exit_code_tells_whether_something_would_change(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    assert run(tmp_path, "plan", "--detailed-exitcode").returncode == 8
    assert run(tmp_path, "render").returncode == 0
    done = run(tmp_path, "plan", "--detailed-exitcode")
    assert done.returncode == 0
    assert "only files, ports and keys are foreseen" in done.stderr
