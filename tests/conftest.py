"""What holds for all tests, wherever they are started from."""

import signal
from pathlib import Path

import pytest

pytest_plugins = ("tests.servers.conformance.summary",)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what they put into the background with Ctrl-C ignored, and programs inherit that: whoever
    # interrupts one in a test would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent
#: Tests of these folders start whole stacks, which look at the machine's ports and at each other.
STACKS = (HERE / "contract", HERE / "e2e", HERE / "packaging")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, all that use the engine go to one, others by file."""
    if config.getoption("dist", "no") != "loadgroup":
        return
    for item in items:
        alone = item.get_closest_marker("engine") or any(map(item.path.is_relative_to, STACKS))
        group = "engine" if alone else item.path.relative_to(HERE).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
