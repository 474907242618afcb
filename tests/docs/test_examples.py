"""The examples that people copy: settings that load, code that runs against a stack."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docgenctl.configuration.load import load_configuration
from docgenctl.images.facts import all_image_facts
from tests import typescript_clients
from tests.e2e.stack import Stack
from tests.servers.npm_packages import node
from tests.servers.orchestrator.conftest import write_modules

from .documents import ROOT, Block, blocks

RUN = blocks(note="runs against a stack")
TASKS = blocks(note="runs as a task")


@pytest.mark.parametrize("example", blocks(language="yaml"), ids=str)
def test_examples_of_settings_load(example: Block, tmp_path: Path) -> None:
    assert example.note == "loaded by a test"
    (tmp_path / "docgen.yaml").write_text(example.text, encoding="utf-8")
    loaded = load_configuration(tmp_path, environ={}, flags={}, facts=all_image_facts())
    assert "docgen.yaml" in " ".join(loaded.origins.values())


@pytest.mark.parametrize("example", blocks(language="python"), ids=str)
def test_examples_in_python_are_python(example: Block) -> None:
    ast.parse(example.text)


@pytest.mark.parametrize("example", blocks(language="sh"), ids=str)
def test_examples_for_the_shell_are_shell(example: Block) -> None:
    text = example.text.replace("<address of this repository>", "https://git.example.com/docgenctl")
    subprocess.run(["sh", "-n"], input=text.encode(), check=True)


@pytest.mark.engine
@pytest.mark.parametrize("example", RUN, ids=str)
def test_examples_run_as_they_stand(example: Block, running_stack: Stack, tmp_path: Path) -> None:
    told = run(example, running_stack, tmp_path)
    assert told or ">" in example.text


@pytest.mark.engine
@pytest.mark.parametrize("example", TASKS, ids=str)
def test_examples_of_tasks_run_as_they_stand_and_follow_one(
    example: Block, running_stack: Stack, tmp_path: Path
) -> None:
    modules = running_stack.directory / f"long_{example.language}"
    write_modules(modules, "f")
    try:
        told = run(example, running_stack, tmp_path).splitlines()
    finally:
        shutil.rmtree(modules)
    assert told[0].startswith("working")
    assert re.fullmatch(r"completed \d+ of \d+", told[-2])
    assert (running_stack.directory / told[-1]).is_file()


def run(example: Block, stack: Stack, tmp_path: Path) -> str:
    """What an example prints in the stack's workspace, with a docgenctl on its path that is this one."""
    program = tmp_path / "bin" / "docgenctl"
    program.parent.mkdir()
    # Clients hand little of their environment on to what they start.
    known = {"PYTHONPATH": str(ROOT), "DOCGENCTL_STATE_DIR": str(stack.state_dir)}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in known.items())
    program.write_text(f'#!/bin/sh\n{exports}exec "{sys.executable}" -m docgenctl "$@"\n')
    program.chmod(0o755)
    ran = subprocess.run(
        interpreter(example, tmp_path),
        input=example.text,
        cwd=stack.directory,
        env=stack.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def interpreter(example: Block, tmp_path: Path) -> list[str]:
    """What runs an example; JavaScript needs a file, since its packages are looked for beside it."""
    if example.language != "js":
        return [sys.executable, "-"] if example.language == "python" else ["sh", "-e"]
    folder = typescript_clients.place()
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    file = tmp_path / "example.mjs"
    file.write_text(example.text)
    return [node(folder), str(file)]


def test_the_examples_that_must_run_are_found() -> None:
    assert {block.language for block in RUN} == {"python", "sh"}
    assert {block.document.name for block in RUN} == {"README.md", "connect-a-client.md"}
    assert [block.language for block in TASKS] == ["python", "js"]
