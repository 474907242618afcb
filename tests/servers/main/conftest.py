import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docgen_common.settings import ServerSettings
from docgen_main.server import build_app
from docgen_main.settings import MainSettings
from docgen_main.workspace import Workspace

from tests.servers.github.serving import served
from tests.servers.main.served_clients import API_KEY

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


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    """Settings as the container finds them, with one key."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    key = {
        "id": "default",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "scopes": ["*"],
        "created": "2026-11-22T00:00:00Z",
        "expires": None,
    }
    (secrets / "api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
    return ServerSettings.from_environment(
        {"DOCGEN_SERVER": "main", "DOCGEN_SECRETS_DIR": str(secrets), "DOCGEN_CONFIG_DIR": str(tmp_path)}
    )


@pytest.fixture
def own(root: Path, tmp_path: Path) -> MainSettings:
    (tmp_path / "scratch").mkdir()
    return MainSettings.from_environment(
        {
            "DOCGEN_WORKSPACE": str(root),
            "DOCGEN_SCRATCH": str(tmp_path / "scratch"),
            "DOCGEN_DATA": str(tmp_path),
        }
    )


@pytest.fixture
def port(settings: ServerSettings, own: MainSettings) -> Iterator[int]:
    with served(build_app(settings, own)) as found:
        yield found
