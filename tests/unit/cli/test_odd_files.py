"""docgen.yaml as an enemy or an accident would leave it: exit 3, file and line, bounded memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.command import docgenctl, environment, powerless

MIB = 1024 * 1024
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
#: name → bytes, line that is told (0: the file as a whole), words of the message
FILES: dict[str, tuple[bytes, int, str]] = {
    "tabs": (b"ports:\n\torchestrator: 1\n", 2, "a tab stands in the indentation"),
    "duplicate keys": (b"project: a1\nlimits:\nproject: b1\n", 3, "written twice, first in line 1"),
    "a Python object": (b"project: !!python/object/apply:os.system [id]\n", 1, "the tag !!python/object"),
    "a local tag": (b"project: !secret x\n", 1, "the tag !secret is not allowed"),
    "an alias bomb": (BOMB.encode(), 4, "aliases stand for more than"),
    "an alias of itself": (b"a: &a [*a]\n", 1, "*a stands inside of itself"),
    "an alias of nothing": (b"project: *x\n", 1, "&x"),
    "a merge key": (b"limits: &l {cpus: 1}\nservers:\n  main:\n    limits:\n      <<: *l\n", 5, "merge keys"),
    "a NUL in the middle": (b"project: a\0b\n", 1, "U+0000"),
    "an escape code": (b"project: a\x1b[31mb\n", 1, "U+001B"),
    "a right-to-left override": ("project: \u202etxt\n".encode(), 1, "project: '\\u202etxt' is not a name"),
    "UTF-16": ("version: 2\n".encode("utf-16"), 1, "UTF-16"),
    "UTF-32 without a mark": ("version: 2\n".encode("utf-32-be"), 1, "UTF-16 or UTF-32"),
    "Latin-1": (b"version: 2\nproject: caf\xe9\n", 2, "byte 0xe9 is not UTF-8"),
    "a million brackets": (b"x: " + b"[" * 100_000, 1, "nested deeper than 20 levels"),
    "deep indentation": (
        b"".join(b" " * depth + b"k:\n" for depth in range(300)), 22, "nested deeper than 20 levels"
    ),
    "a flood of keys": (b"".join(b"k%d: 1\n" % n for n in range(20_000)), 5000, "more than 5000 values"),
    "a long scalar": (b"project: " + b"x" * 200_000 + b"\n", 1, "is not a name"),
    "a long number": (b"limits: {pids: " + b"9" * 200_000 + b"}\n", 1, "is not a whole number"),
    "a long key": (b"k" * 1000 + b": 1\n", 1, "is not a setting"),
    "a key beyond YAML's limit": (b"k" * 200_000 + b": 1\n", 1, "not valid YAML"),
    "a list at the top": (b"- a\n- b\n", 1, "no settings but a single value or list"),
    "a word at the top": (b"hello\n", 1, "no settings but a single value or list"),
    "two documents": (b"project: a1\n---\nproject: b1\n", 2, "second document"),
    "an open quote": (b'project: "a\nlog_level: info\n', 3, "not valid YAML"),
    "a number as key": (b"8080: ports\n", 1, "8080: is not a setting"),
    "a list as key": (b"? [a, b]\n: 1\n", 1, "a key must be a plain word"),
    "a date as a name": (b"project: 2026-11-22\n", 1, "'2026-11-22' is not a name"),
    "no for a level": (b"log_level: no\n", 1, "'no' is not one of debug"),
    "a sexagesimal port": (b"ports: {orchestrator: 80:80}\n", 1, "'80:80' is not a port or range"),
    "an octal port": (b"ports: {orchestrator: 0o777777}\n", 1, "is not a port or range"),
    "port 0": (b"ports: {orchestrator: 0}\n", 1, "0 leaves the ports"),
    "port -1": (b"ports: {orchestrator: -1}\n", 1, "-1 is not a port or range"),
    "port 65536": (b"ports: {orchestrator: 65536}\n", 1, "65536 leaves the ports"),
    "a reversed range": (b"ports: {orchestrator: 9000-8000}\n", 1, "runs backwards"),
    "a range too small": (
        b"ports: {orchestrator: 80-81}\nservers:\n  main: {port: 80-81}\n  github: {port: 80-81}\n",
        3, "leaves no port free",
    ),
    "a port that is infinite": (b"ports: {orchestrator: .inf}\n", 1, "is not a port or range"),
    "a carriage return in a name": (b'project: "a\\rb"\n', 1, "is not a name"),
}  # fmt: skip
#: files that are fine, or that mean the same as none
HARMLESS = {
    "empty": b"",
    "only comments": b"# nothing\n\n   # at all\n",
    "only a document mark": b"---\n",
    "a byte order mark": b"\xef\xbb\xbflog_level: debug\n",
    "Windows line ends": b"log_level: debug\r\nports:\r\n  orchestrator: 8080\r\n",
    "old Mac line ends": b"log_level: debug\rproject: abc\r",
    "no line end at all": b"log_level: debug",
    "anchors": b"limits: &l {cpus: 1}\nservers: {main: {limits: *l}}\n",
    "words of YAML 1.1 where true or false is wanted": b"images: {fallback: no}\nlog_level: debug\n",
    "null": b"ports: ~\nlog_level: null\nproject:\n",
}


#: The kernel counts what the parent held at the fork as the child's, and a test run holds much.
_SMALL_PARENT = """
import os, subprocess, sys
running = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(running.pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss))
os._exit(os.waitstatus_to_exitcode(status))
"""


def measured(folder: Path, *argv: str) -> tuple[int, str, str, int]:
    """Exit code, output, messages and the most memory that the process held, in bytes."""
    out, err, held = folder / "out", folder / "err", folder / "held-kib"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        ended = subprocess.run(
            [sys.executable, "-S", "-c", _SMALL_PARENT, held, sys.executable, "-m", "docgenctl", *argv],
            cwd=folder / "workspace",
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            check=False,
        )
    return ended.returncode, out.read_text(), err.read_text(), int(held.read_text()) * 1024


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_told_with_its_line_and_costs_little(tmp_path: Path, name: str) -> None:
    content, line, words = FILES[name]
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_bytes(content)
    code, out, err, memory = measured(tmp_path, "config", "validate", "--json")
    assert code == 3, err
    problem = json.loads(out)["error"]["problems"][0]
    assert (problem["file"], problem["line"]) == ("docgen.yaml", line)
    assert words in f"{problem['key_path']}: {problem['message']}"
    assert problem["hint"]
    assert f"docgen.yaml:{line}: " in err
    assert memory < 200 * MIB
    assert max(map(len, err.splitlines())) < 400
    assert all(character.isprintable() or character == "\n" for character in err)


@pytest.mark.parametrize("name", HARMLESS)
def test_an_unusual_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "docgen.yaml").write_bytes(HARMLESS[name])
    ran = docgenctl(tmp_path, "config", "get", "log_level")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ("debug" if b"debug" in HARMLESS[name] else "info")


def hundred_megabytes(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(100):
            file.write(b"# 45 bytes of comment in every line of this.\n" * 23_302)


def directory(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (hundred_megabytes, "is larger than 256 KiB"),
        (directory, "is not a regular file"),
        (pipe, "is not a regular file"),
        (dangling, "is a link to something that does not exist"),
        (circle, "cannot be read (Too many levels of symbolic links)"),
        (device, "is not a regular file"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_small_file_is_refused_unread(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    (tmp_path / "workspace").mkdir()
    make(tmp_path / "workspace" / "docgen.yaml")
    every = (["config", "validate"], ["up"], ["config", "set", "log_level", "debug"])
    for argv in every if make is pipe else every[:1]:
        code, _, err, memory = measured(tmp_path, *argv)
        assert code == 3, err
        assert err.startswith(f"Error: docgen.yaml: {words}")
        assert "Hint: " in err
        assert memory < 200 * MIB


def test_a_file_that_may_not_be_read_is_told_by_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    file = tmp_path / "workspace" / "docgen.yaml"
    file.write_text("version: 2\n")
    file.chmod(0)
    ran = powerless(tmp_path, "config", "validate")
    assert ran.returncode == 3, ran.stderr
    assert "docgen.yaml: cannot be read (Permission denied)" in ran.stderr
    assert f"Hint: ls -l {file} shows who may read it" in ran.stderr


def test_nothing_is_started_with_a_wrong_port(tmp_path: Path) -> None:
    """The configuration is read before the engine is looked for: no engine here, and still exit 3."""
    for value in ("0", "-1"):
        ran = docgenctl(tmp_path, "up", f"--port={value}")
        assert ran.returncode == 3
        assert ran.stderr.startswith("Error: flag --port: ports/orchestrator: ")
    for value in ("65536", "9000-8000"):
        ran = docgenctl(tmp_path, "up", environ={"MAIN_MCP_PORT_RANGE": value})
        assert ran.returncode == 3
        assert ran.stderr.startswith("Error: environment MAIN_MCP_PORT_RANGE: servers/main/port: ")
