"""Entry point of `docgenctl` and `python -m docgenctl`."""

import os
import sys
from contextlib import suppress

#: What a command ends with that SIGHUP, SIGINT or SIGTERM cut short.
_CUT_SHORT = (129, 130, 143)


def main() -> None:
    """Run the command line and exit with its documented code."""
    _open_closed_streams()
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


def _open_closed_streams() -> None:
    """Stand /dev/null in for standard streams that our parent closed.

    Else the next file or connection would get their numbers, and whoever prints would print into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
