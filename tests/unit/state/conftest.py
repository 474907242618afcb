from pathlib import Path

import pytest

from docgenctl.model.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Project(name="app-0a1b2c", id="0123456789abcdef", directory=workspace)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A state directory of the test's own."""
    return {"DOCGENCTL_STATE_DIR": str(tmp_path / "state")}
