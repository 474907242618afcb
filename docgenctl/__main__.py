"""Entry point of `docgenctl` and `python -m docgenctl`."""

import sys


def main() -> None:
    """Run the command line and exit with its documented code."""
    from docgenctl.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
