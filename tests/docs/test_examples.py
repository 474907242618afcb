"""The examples that people copy: settings that load, code that runs against a stack."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docgenctl.configuration.load import load_configuration
from docgenctl.images.facts import all_image_facts
from tests.e2e.stack import Stack

from .documents import ROOT, Block, blocks

RUN = blocks(note="runs against a stack")


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
    program = tmp_path / "bin" / "docgenctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m docgenctl "$@"\n')
    program.chmod(0o755)
    environ = running_stack.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    shell = [sys.executable, "-"] if example.language == "python" else ["sh", "-e"]
    ran = subprocess.run(
        shell,
        input=example.text,
        cwd=running_stack.directory,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout or ">" in example.text


def test_the_examples_that_must_run_are_found() -> None:
    assert {block.language for block in RUN} == {"python", "sh"}
    assert {block.document.name for block in RUN} == {"README.md", "connect-a-client.md"}
