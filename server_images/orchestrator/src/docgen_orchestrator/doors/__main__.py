"""``python -m docgen_orchestrator.doors``: serve until SIGTERM."""

import sys

from docgen_orchestrator.doors.serve import main

sys.exit(main())
