"""`servers add|list|inspect|remove` on the command line, without an engine: what is printed and refused."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl

URL = "https://mcp.example.com/mcp"


def add(folder: Path, *argv: str) -> None:
    done = docgenctl(folder, "servers", "add", *argv)
    assert done.returncode == 0, done.stderr


def test_an_added_server_is_told_listed_and_removed_again(tmp_path: Path) -> None:
    file = tmp_path / "workspace/docgen.yaml"
    done = docgenctl(tmp_path, "servers", "add", "wiki", "--url", URL, "--key-secret", "wiki-api-key")
    assert (done.returncode, done.stdout) == (0, "✔ wiki added\n"), done.stderr
    assert "The stack was left as it is; docgenctl up changes it." in done.stderr
    assert "wiki:" in file.read_text()

    listed = docgenctl(tmp_path, "servers", "list")
    assert [re.split(r"  +", line) for line in listed.stdout.splitlines()] == [
        ["SERVER", "SOURCE", "VERSION", "STATE", "TOOLS"],
        ["github", "github", "unknown"],
        ["main", "main", "unknown"],
        ["wiki", URL, "unknown"],
    ]
    (note,) = listed.stderr.splitlines()
    assert note.startswith("Without an engine, states are unknown: DOCKER_HOST points to ")
    assert "; unset DOCKER_HOST" in note
    rows = json.loads(docgenctl(tmp_path, "servers", "list", "--json").stdout)
    assert rows[2] == {
        "name": "wiki",
        "source": {"kind": "url", "url": URL},
        "version": "",
        "state": "unknown",
        "health": "",
        "tools": None,
    }

    gone = docgenctl(tmp_path, "servers", "remove", "wiki")
    assert (gone.returncode, gone.stdout) == (0, "✔ wiki removed\n"), gone.stderr
    assert "Note: docgen.yaml said nothing any more and is gone" in gone.stderr
    assert not file.exists()


def test_programs_are_told_the_difference_in_the_file(tmp_path: Path) -> None:
    image = ("--image", "ghcr.io/owner/name:1.2", "--container-port", "9100", "--env", "MODE=a=b", "--data")
    done = docgenctl(tmp_path, "servers", "add", "foreign", *image, "--allow", "api.example.com", "--json")
    document = json.loads(done.stdout)
    assert {**document, "diff": ""} == {
        "server": "foreign",
        "file": str(tmp_path / "workspace/docgen.yaml"),
        "diff": "",
        "packages": [],
        "up": False,
        "steps": [],
    }
    added = [line[1:].strip() for line in document["diff"].splitlines() if line.startswith("+ ")]
    assert added == [
        "foreign:",
        "image: ghcr.io/owner/name:1.2",
        "environment:",
        'MODE: "a=b"',
        "egress:",
        'allow: ["api.example.com"]',
        "container_port: 9100",
        "data: true",
    ]


def test_one_is_told_line_by_line(tmp_path: Path) -> None:
    add(tmp_path, "wiki", "--url", URL, "--key-secret", "wiki-api-key")
    lines = docgenctl(tmp_path, "servers", "inspect", "wiki").stdout.splitlines()
    told = {line[:13].strip(): line[13:] for line in lines}
    assert (told["name"], told["enabled"], told["state"]) == ("wiki", "yes", "unknown")
    assert told["source"] == f"kind url · url {URL}"
    assert told["egress"] == "mcp.example.com:443"
    assert re.fullmatch(r"cpus [\d.]+ · memory_bytes \d+ · pids \d+", told["limits"])
    assert (told["tools"], told["findings"], told["lock"]) == ("none", "none", "none")
    document = json.loads(docgenctl(tmp_path, "servers", "inspect", "wiki", "--json").stdout)
    assert list(document) == list(told)
    assert (document["tools"], document["findings"], document["changed"]) == (None, None, None)


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["add", "wiki"], 2, "say where the server comes from, in one way"),
        (["add", "wiki", "--url", URL, "--image", "a/b"], 2, "say where the server comes from, in one way"),
        (["add", "main", "--url", URL], 2, "there is a server main already"),
        (["add", "Wiki", "--url", URL], 2, "'Wiki' cannot name a server"),
        (["add", "x", "--stdio", "uvx nobody-looks-this-up"], 2, "'x' cannot name a server"),
        (["add", "wiki", "--url", URL, "--env", "X"], 2, "--env 'X' is not NAME=VALUE"),
        (["add", "wiki", "--url", URL, "--secret", "=x"], 2, "--secret '=x' is not NAME=my-api-key"),
        (["add", "wiki", "--url", URL, "--env", "A=b"], 3, "a server elsewhere has none of ours"),
        (
            ["add", "wiki", "--url", "http://mcp.example.com"],
            3,
            "the new entry: servers/wiki/url: 'http://mcp.example.com' is no address of a server",
        ),
        (["add", "wiki", "--url", "https://2130706433/mcp"], 3, "is an address in disguise"),
        (["add", "wiki", "--url", "https://169.254.169.254/x"], 3, "is never reached from a server"),
        (["add", "wiki", "--url", "https://100.100.100.200/x"], 3, "is never reached from a server"),
        (["add", "wiki", "--url", "https://[::ffff:10.0.0.1]/x"], 3, "is never reached from a server"),
        (["add", "wiki", "--url", "https://10.0.0.1/mcp"], 3, "is an address of a private network"),
        (["inspect", "wiki"], 2, "there is no server wiki"),
        (["remove", "wiki"], 2, "there is no server wiki"),
        (["remove", "main", "--volumes"], 6, "is removed only after a yes"),
        (["remove", "main", "--volumes", "--yes", "--no-up"], 2, "can only go with its container"),
        (["lock", "main"], 2, "main is no server with packages"),
    ],
)
def test_what_is_refused_says_why_and_leaves_no_file(
    tmp_path: Path, argv: list[str], code: int, told: str
) -> None:
    done = docgenctl(tmp_path, "servers", *argv)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Hint: " in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "workspace/docgen.yaml").exists()


def test_a_server_that_is_there_by_default_is_switched_off_and_its_name_says_so(tmp_path: Path) -> None:
    assert docgenctl(tmp_path, "servers", "remove", "github").returncode == 0
    rows = json.loads(docgenctl(tmp_path, "servers", "list", "--json").stdout)
    assert {row["name"]: row["state"] for row in rows} == {"github": "disabled", "main": "unknown"}
    again = docgenctl(tmp_path, "servers", "add", "github", "--url", URL)
    assert "there is a server github already, which is switched off" in again.stderr
    assert "docgenctl config set servers/github/enabled true" in again.stderr


def test_locking_without_packages_has_nothing_to_do(tmp_path: Path) -> None:
    done = docgenctl(tmp_path, "servers", "lock")
    assert (done.returncode, done.stderr) == (0, "No server has packages.\n")
    assert json.loads(docgenctl(tmp_path, "servers", "lock", "--json").stdout) == {"locks": {}}
