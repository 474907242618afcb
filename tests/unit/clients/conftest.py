"""A user's home and a workspace, with no client in them."""

from pathlib import Path

import pytest

from docgenctl.clients.programs import Surroundings


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("home", "workspace"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "workspace", tmp_path / "home", "linux", {"PATH": ""})
