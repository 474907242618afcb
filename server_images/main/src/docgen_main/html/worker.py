"""What runs in the process that makes a page: Markdown comes in, a page goes out, nothing else may happen."""

import json
import resource
import sys

from docgen_main.expendable import expendable
from docgen_main.html.frame import framed
from docgen_main.html.limits import MEMORY_BYTES, PAGE_SECONDS


def main() -> None:
    """Make the page that is asked for on the standard input."""
    expendable()
    # no limit of processes: the engine of diagrams has a thread, which counts as one for everybody but root
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(PAGE_SECONDS) + 1),  # nobody waits for it any longer
    ):
        resource.setrlimit(limit, (value, value))
    request = json.load(sys.stdin)
    sys.stdout.buffer.write(framed(request["markdown"], request["title"], request["note"]))
