from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_main.events import Hub
from docgen_main.user_templates import Store, UserTemplates
from docgen_main.user_templates.workers import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Workers that all tests share, as all callers of a server do."""
    made = Workers()
    yield made
    made.close()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(str(tmp_path / "templates"))
    yield made
    made.close()


@pytest.fixture
def templates(store: Store, hub: Hub, workers: Workers) -> UserTemplates:
    return UserTemplates(store, hub, built_in=frozenset({"readme"}), workers=workers)
