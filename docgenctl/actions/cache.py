"""Where downloads and images are kept between projects."""

import sys
from collections.abc import Mapping
from pathlib import Path


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where downloads and base images are kept between projects; may be deleted at any time."""
    configured = environ.get("DOCGENCTL_CACHE_DIR")
    if configured:
        return Path(configured)
    xdg, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if sys.platform == "linux" and (xdg or home).startswith("/"):
        return (Path(xdg) if xdg else Path(home) / ".cache") / "docgenctl"
    import platformdirs  # takes as long to import as Python to start; only other systems need it

    return platformdirs.user_cache_path("docgenctl")
