"""Entry point of `docgenctl` and `python -m docgenctl`."""

import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its documented code."""
    from docgenctl.cli.app import run

    code = run(sys.argv[1:])
    if code == _INTERRUPTED:
        # Python would wait for threads that still build an image; ending here closes their connections,
        # which ends the build in the engine too.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
