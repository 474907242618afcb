import os
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.main.html.browser import Browser, running

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, or fails in CI."""
    program = runpy.run_path(str(ROOT / "install" / "browser.py"))["program"]()
    if not program:
        reason = "no Chromium here (make browser)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with running(program) as found:
        yield found
