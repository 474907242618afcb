"""For processes that serve one request: when memory runs out, they go before the server does."""

from contextlib import suppress
from pathlib import Path

_FIRST = "1000"


def expendable() -> None:
    """Let the kernel end this process before any other of its container. Call it before limits are set."""
    with suppress(OSError):  # elsewhere than on Linux the kernel chooses by itself
        Path("/proc/self/oom_score_adj").write_text(_FIRST, encoding="ascii")
