"""``python -m docgen_orchestrator``: serve until SIGTERM."""

import sys

from docgen_common.serve import run

from docgen_orchestrator.application import build

sys.exit(run(build))
