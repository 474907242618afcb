"""Entry point of `docgenctl` and `python -m docgenctl`."""

import os
import sys
from contextlib import suppress

#: What a command ends with that SIGHUP, SIGINT or SIGTERM cut short.
_CUT_SHORT = (129, 130, 143)


def main() -> None:
    """Run the command line and exit with its documented code."""
    from docgenctl.cli.app import run

    code = run(sys.argv[1:])
    if code in _CUT_SHORT:
        # Python would wait for threads that still build an image; ending here closes their connections,
        # which ends the build in the engine too.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # the terminal may be gone
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
