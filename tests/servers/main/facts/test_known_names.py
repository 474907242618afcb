from pathlib import Path

from docgen_main.facts import Project
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files
from tests.servers.main.documents.repositories import commit

PYPROJECT = """[build-system]
requires = []
[project]
name = "box"
version = "2.1.0"
requires-python = ">=3.11"
dependencies = ["attrs>=23.1"]
[project.optional-dependencies]
dev = ["pytest"]
[project.scripts]
box = "box.core:main"
"""


def test_what_a_document_may_mention_is_what_exists(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": PYPROJECT,
            "Makefile": "lint: ## Look for mistakes\n\ttrue\n",
            "src/box/__init__.py": "",
            "src/box/core.py": "class Box:\n    def open(self): ...\n\ndef main(): ...\n",
            "tests/test_box.py": "def test_box(): ...\n",
        },
    )
    commit(tmp_path, "One", tag="v2.0.0")
    workspace = Workspace(str(tmp_path), "docs/generated")
    known = Project(workspace).known_names
    workspace.close()
    assert {"src/box/core.py", "src/box", "src", "Makefile"} <= known.paths
    assert {"box.core", "Box", "Box.open", "box.core.Box.open", "main"} <= known.symbols
    assert known.dependencies == {"attrs", "pytest", "box"}
    assert known.commands == {"make lint", "box", "python -m pip install .", "python -m pytest"}
    assert {"2.1.0", ">=3.11", "3.11", ">=23.1", "v2.0.0", "2.0.0"} <= known.versions
    assert not {"src/box/missing.py", ""} & known.paths
    assert not {"Lid", "Box.close", ""} & known.symbols
