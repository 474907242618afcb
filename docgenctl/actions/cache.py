"""Where downloads and images are kept between projects."""

from collections.abc import Mapping
from pathlib import Path


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where downloads and base images are kept between projects; may be deleted at any time."""
    configured = environ.get("DOCGENCTL_CACHE_DIR")
    if configured:
        return Path(configured)
    import platformdirs  # takes as long to import as Python to start

    return platformdirs.user_cache_path("docgenctl")
