"""Documents and templates through the command line, on a stack of processes."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import wait_until
from tests.e2e.test_processes import MakeProcesses, ProcessStack, make_processes  # noqa: F401 - a fixture

pytestmark = pytest.mark.timeout(300)

INCIDENT = """\
+++
title = "Incident report"
description = "What happened, and what we do about it."
kind = "incident"
file_name = "INCIDENT.md"
[variables.what]
question = "What happened?"
[variables.severity]
question = "How bad is it?"
type = "choice"
choices = ["low", "high"]
default = "low"
+++
# Incident in {{ project.name }}

## What happened

{{ what }} ({{ severity }})
"""


@pytest.fixture(scope="module")
def stack(make_processes: MakeProcesses) -> ProcessStack:  # noqa: F811
    made = make_processes("documents")
    made.up()
    return made


@pytest.fixture
def template(stack: ProcessStack, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "incident.md"
    file.write_text(INCIDENT)
    yield file
    stack.run("templates", "delete", "incident", "--yes")


def generated(stack: ProcessStack, name: str) -> Path:
    return stack.directory / "docs" / "generated" / name


def test_a_document_is_made_listed_told_about_and_exported(stack: ProcessStack, tmp_path: Path) -> None:
    made = stack.ok("generate", "readme", "--json").document
    assert made["file"] == str(generated(stack, "README.md"))
    (entry,) = [one for one in stack.ok("documents", "list", "--json").document if one["kind"] == "readme"]
    assert (entry["path"], entry["state"]) == ("docs/generated/README.md", "generated")
    told = stack.ok("documents", "show", "README.md")
    assert "embedded" in told.stdout
    assert "Overview" in told.stdout
    out = tmp_path / "page.html"
    assert stack.ok("documents", "export", "README.md", "--out", str(out)).stdout == f"{out}\n"
    assert out.read_text().lower().startswith("<!doctype html>")
    assert stack.run("documents", "show", "nothing.md").exit_code == 2


def test_what_people_wrote_stays_when_the_document_is_updated(stack: ProcessStack) -> None:
    stack.ok("generate", "readme", "--anew")
    path = generated(stack, "README.md")
    path.write_text(path.read_text() + "\nA word from the harbour master.\n")
    module = stack.directory / "src" / "harbour" / "ships.py"
    module.write_text('"""Ships."""\n\n\nclass Ship:\n    """A ship."""\n')
    made = stack.ok("generate", "readme", "--update", "--json").document
    assert made["unchanged"]
    assert "A word from the harbour master." in path.read_text()
    assert "Ship" in path.read_text()
    module.unlink()


def test_a_kind_that_needs_answers_names_them_all_and_takes_them(stack: ProcessStack) -> None:
    refused = stack.run("generate", "adr", "--json")
    assert refused.exit_code == 2
    error = refused.document["error"]
    assert error["code"] == "answers_missing"
    names = [detail.partition(":")[0] for detail in error["details"]]
    assert all(f'--set "{name}=..."' in error["hint"] for name in names)
    answers = [part for name in names for part in ("--set", f"{name}=Berths are numbered from the sea.")]
    path = Path(stack.ok("generate", "adr", *answers).stdout.strip())
    assert "Berths are numbered from the sea." in path.read_text()


def test_a_template_makes_a_kind_has_versions_and_travels(stack: ProcessStack, template: Path) -> None:
    stack.ok("templates", "create", "incident", str(template), "--note", "first")
    assert stack.run("generate", "incident").exit_code == 2
    shown = stack.ok("templates", "preview", "incident", "--set", "what={{ 7 * 7 }} <b>").stdout
    assert "49" not in shown
    made = stack.ok(
        "generate", "incident", "--set", "what=The crane fell", "--set", "severity=high", "--json"
    )
    assert "The crane fell (high)" in generated(stack, "INCIDENT.md").read_text()
    assert made.document["kind"] == "incident"

    template.write_text(INCIDENT.replace("# Incident in", "# Mishap in"))
    assert stack.ok("templates", "update", "incident", str(template), "--json").document["version"] == 2
    assert stack.run("templates", "update", "incident", str(template), "--expected", "1").exit_code == 2
    assert "+# Mishap in" in stack.ok("templates", "diff", "incident").stdout
    assert stack.ok("templates", "rollback", "incident", "1", "--json").document["version"] == 3
    versions = stack.ok("templates", "history", "incident", "--json").document["versions"]
    assert [one["version"] for one in versions] == [3, 2, 1]

    bundle = template.with_name("bundle")
    stack.ok("templates", "export", "incident", "--out", str(bundle))
    assert stack.run("templates", "delete", "incident").exit_code == 6
    stack.ok("templates", "delete", "incident", "--yes")
    assert stack.run("templates", "show", "incident").exit_code == 2
    assert stack.ok("templates", "import", str(bundle), "--json").document["changed"] is False
    assert stack.ok("templates", "show", "incident").stdout == INCIDENT


def test_a_watch_makes_the_document_again_when_files_change_and_ends_with_ctrl_c(stack: ProcessStack) -> None:
    path = generated(stack, "ARCHITECTURE.md")
    watching = stack.start("generate", "architecture", "--watch")
    try:
        wait_until(path.exists, 30, "the first document")
        before = path.read_text()
        folder = stack.directory / "src" / "harbour" / "tugs"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text('"""Tugs that pull ships."""\n\nfrom harbour import berths\n')
        wait_until(lambda: "Tugs that pull ships" in path.read_text(), 30, "the change in the document")
        assert path.read_text() != before
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=20)
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
            watching.kill()
            watching.communicate(timeout=5)
    assert watching.returncode == 130, err
    assert str(path) in out.splitlines()
    assert "Traceback" not in err
