from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docgen_main.workspace import Workspace

SECRET = "outside-canary-5d2f"

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace folder beside which lie things that nobody may reach."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil" / "secret").write_text(SECRET)
    folder = tmp_path / "ws"
    (folder / "docs" / "generated").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "src" / "a.txt").write_text("inside\n")
    return folder


@pytest.fixture
def make_workspace(root: Path) -> Iterator[MakeWorkspace]:
    made: list[Workspace] = []

    def make(**options: object) -> Workspace:
        made.append(Workspace(str(root), "docs/generated", **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    return make_workspace()


def write_files(root: Path, files: dict[str, str]) -> None:
    """Write `files` (path → text) below `root`."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
