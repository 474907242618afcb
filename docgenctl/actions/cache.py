"""Where downloads and images are kept between projects."""

from collections.abc import Mapping
from pathlib import Path

import platformdirs


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where downloads and base images are kept between projects; may be deleted at any time."""
    configured = environ.get("DOCGENCTL_CACHE_DIR")
    return Path(configured) if configured else platformdirs.user_cache_path("docgenctl")
