"""Whole documents against vendors that others imitate, in every mood: complete each time, nothing twice."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_main.documents.marks import without_marks
from docgen_main.server import build_server
from mcp import Client
from structlog.testing import capture_logs

from tests.servers.main.conftest import MakeWorkspace, write_files
from tests.servers.main.language_models.aimock_process import installed_stand_in, standing_in
from tests.servers.main.language_models.conftest import MakeModels
from tests.servers.main.language_models.vendors import KINDS
from tests.servers.npm_packages import InstallError

pytestmark = pytest.mark.anyio

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.4.0"\ndescription = "Sells things."\n'
    'dependencies = ["redis>=5"]\n[project.scripts]\nshop = "shop.cli:main"\n',
    "src/shop/__init__.py": '"""Sells things."""\n',
    "src/shop/cli.py": '"""The command line."""\n\n\ndef main() -> int:\n    """Sell."""\n    return 0\n',
    "tests/test_cli.py": "def test_it(): pass\n",
    "Makefile": "test: ## Run the tests\n\tpytest\n",
    "LICENSE": "MIT License\n",
}
MOODS = {
    "well": (),
    "rate limits": ("--chaos-ratelimit", "0.9"),
    "errors": ("--chaos-drop", "0.9"),
    "cut connections": ("--chaos-disconnect", "0.9"),
    "malformed": ("--chaos-malformed", "0.9"),
    "too slow": ("--chaos-latency", "900"),
    "everything": (
        *("--chaos-ratelimit", "0.2", "--chaos-disconnect", "0.2", "--chaos-drop", "0.2"),
        *("--chaos-malformed", "0.2"),
    ),
}


#: What models are passed over for in that mood; in the best one because a fixed answer fits few sections.
REASONS = {
    "well": "left out",
    "rate limits": "rate limited",
    "errors": r"failed \(500\)",
    "cut connections": "connection broke|was cut",
    "malformed": "cannot be understood|was cut|is empty",
    "too slow": "fell silent",
    "everything": "rate limited|failed|broke|cut|understood|empty",
}
WORDED = "Settings stand in `pyproject.toml`."


@pytest.fixture(scope="module")
def place() -> Path:
    try:
        return installed_stand_in()
    except InstallError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the stand-in could not be installed: {error}")
        pytest.skip("the stand-in could not be installed; is there a network?")


@pytest.fixture(params=MOODS)
def mood(request: pytest.FixtureRequest, place: Path) -> Iterator[tuple[str, str]]:
    """A mood and the URL of a stand-in that is in it."""
    with standing_in(place, *MOODS[request.param]) as url:
        yield request.param, url


async def test_a_document_is_complete_in_every_mood(
    mood: tuple[str, str], make_models: MakeModels, make_workspace: MakeWorkspace, root: Path
) -> None:
    name, url = mood
    write_files(root, FILES)
    models = make_models(*KINDS, url=url, timeout_s=20.0, silence_s=0.5)
    told: list[dict[str, str]] = []

    async def hear(_done: float, _total: float | None, message: str | None) -> None:
        told.append(json.loads(message or "{}"))

    async with Client(build_server(make_workspace(), writers=models)) as client:
        plain = await client.call_tool("docs_generate", {"kind": "readme", "model": "embedded"})
        before = _headings(root)
        with capture_logs() as logs:
            worded = await client.call_tool(
                "docs_generate", {"kind": "readme", "update": False}, progress_callback=hear
            )
    assert not plain.is_error
    assert not worded.is_error, worded.content
    text = without_marks((root / "docs/generated/README.md").read_text())
    assert _headings(root) == before
    assert [section["section"] for section in told] == list(dict.fromkeys(s["section"] for s in told))
    assert all(section["markdown"].strip() in text for section in told)
    assert "ghost.toml" not in text
    assert (WORDED in text) or name != "well"
    reasons = {entry["reason"] for entry in logs if entry["event"] == "model passed over"}
    assert any(re.search(REASONS[name], reason) for reason in reasons), reasons


def _headings(root: Path) -> list[str]:
    """Headings in order; none may be there twice."""
    lines = without_marks((root / "docs/generated/README.md").read_text()).splitlines()
    found = [line for line in lines if line.startswith("#")]
    assert len(found) == len(set(found)) > 3
    return found
