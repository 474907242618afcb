"""`python -m docgen_adapter`: what the container runs."""

import sys

from docgen_common.serve import run

from docgen_adapter.server import build_app

if __name__ == "__main__":
    sys.exit(run(build_app))
