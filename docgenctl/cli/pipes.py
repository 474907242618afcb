"""Writing to a reader that may leave before the end, as `head` does, or to a disk that is full."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End quietly and well (SystemExit 0) when whoever reads our output has seen enough."""
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # Rich ends with 1 then
            raise SystemExit(0) from None
        raise
    except BrokenPipeError:
        _write_no_more()
        raise SystemExit(0) from None


@contextmanager
def output_told() -> Iterator[None]:
    """Around writes of results: raises RefusedError (`output_unwritable`) when they do not arrive."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        from docgenctl.model.errors import RefusedError

        _write_no_more()
        raise RefusedError(
            f"standard output cannot be written: {error.strerror}",
            hint="make room where it is redirected to, then run the command again",
            code="output_unwritable",
        ) from None


def _write_no_more() -> None:
    """Python flushes once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
