"""One form for all errors, one exit code for each kind."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.cli import tree
from docgenctl.cli.app import run
from docgenctl.model import errors
from docgenctl.model.errors import (
    BuildError,
    ConfigurationError,
    DocgenError,
    EngineError,
    ExitCode,
    HungUpError,
    InterruptedCommandError,
    LockedError,
    NotHealthyError,
    PortTakenError,
    Problem,
    RefusedError,
    SubnetTakenError,
    TerminatedError,
    UsageError,
)

RAISED = [
    (UsageError("m"), 2, "usage"),
    (ConfigurationError("m"), 3, "configuration"),
    (EngineError("m", code="denied"), 4, "denied"),
    (PortTakenError("m", host_port=1), 4, "port_taken"),
    (SubnetTakenError("m", subnet="10.0.0.0/28"), 4, "subnet_taken"),
    (BuildError("m"), 4, "build_failed"),
    (NotHealthyError("m", code="crashed"), 5, "crashed"),
    (RefusedError("m"), 6, "refused"),
    (LockedError("m"), 7, "locked"),
    (InterruptedCommandError("m"), 130, "interrupted"),
    (TerminatedError("m"), 143, "terminated"),
    (HungUpError("m"), 129, "hung_up"),
    (DocgenError("m"), 1, "bug"),
]


class Raising:
    """Stands in the command tree's place."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *_: object, **__: object) -> None:
        raise self.error


@pytest.mark.parametrize(("error", "code", "word"), RAISED, ids=lambda value: getattr(value, "code", None))
def test_each_error_has_its_exit_code_and_its_word(
    error: DocgenError,
    code: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tree, "root", Raising(error))
    assert run(["up", "--json"]) == code
    said = capsys.readouterr()
    document = json.loads(said.out)["error"]
    assert (document["code"], document["exit_code"], document["message"]) == (word, code, "m")
    assert said.err == "Error: m\n"


def test_no_kind_of_error_is_missing_above() -> None:
    def family(kind: type[DocgenError]) -> Iterator[type[DocgenError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from family(below)

    ours = {kind for kind in family(DocgenError) if kind.__module__ == errors.__name__}
    assert ours == {type(error) for error, _, _ in RAISED}


def test_exit_codes_are_those_that_are_promised() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "BUG": 1,
        "USAGE": 2,
        "CONFIGURATION": 3,
        "ENGINE": 4,
        "NOT_HEALTHY": 5,
        "REFUSED": 6,
        "LOCKED": 7,
        "CHANGES_PENDING": 8,
        "HUNG_UP": 129,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


def test_people_get_message_problems_details_and_hint_in_this_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = Problem(
        file="docgen.yaml", line=12, key_path="servers/main/port", message="'80a' is no port", hint="3200"
    )
    error = ConfigurationError("two mistakes", problems=[problem], details=["a detail"], hint="look there")
    monkeypatch.setattr(tree, "root", Raising(error))
    assert run(["up"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "Error: two mistakes",
        "  docgen.yaml:12: servers/main/port: '80a' is no port",
        "    Hint: 3200",
        "  a detail",
        "Hint: look there",
    ]


def test_programs_get_every_problem_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = Problem(file="docgen.yaml", line=12, key_path="a/b", message="wrong", hint="h")
    monkeypatch.setattr(tree, "root", Raising(ConfigurationError("m", problems=[problem])))
    assert run(["up", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["problems"] == [
        {"file": "docgen.yaml", "line": 12, "key_path": "a/b", "message": "wrong", "hint": "h"}
    ]


def test_a_bug_of_ours_is_told_without_a_traceback_which_is_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tree, "root", Raising(ZeroDivisionError("division by zero")))
    assert run(["up"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: a bug in docgenctl: ZeroDivisionError: division by zero\n")
    assert "Traceback" not in told
    report = Path(told.split("report it with ")[1].strip())
    assert "ZeroDivisionError" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    report.unlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upp"], "No such command 'upp'. Did you mean 'up'?"),
        (["statsu"], "No such command 'statsu'. Did you mean"),
        (["config", "shwo"], "No such command 'shwo'. Did you mean 'show'?"),
        (["status", "--nope"], "No such option: --nope"),
        (["health", "--interval", "x"], "Invalid value for '--interval'"),
        (["generate"], "Missing argument 'kind'"),
        (["generate", "readme", "--format", "pdf"], "Invalid value for '--format': 'pdf' is not one of"),
        (["tools", "call", "files_list", "nonsense"], "'nonsense' is not an argument"),
        (["tools", "call", "files_list", "n:=x"], "'x' is not JSON"),
        (["status", "--project-dir", "/nowhere/at/all"], "/nowhere/at/all is not a directory"),
    ],
)
def test_mistakes_in_the_command_line_are_told_in_the_same_form(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Error: ")
    assert message in lines[0]
    assert lines[-1].startswith("Hint: ")

    assert run([*arguments, "--json"]) == 2
    document = json.loads(capsys.readouterr().out)["error"]
    assert (document["code"], document["exit_code"]) == ("usage", 2)
    assert message in document["message"]


def test_no_command_at_all_is_answered_with_the_help_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    said = capsys.readouterr()
    assert "Usage: docgenctl" in said.out
    assert said.err == ""
