"""Something on this machine that could be reached, for as long as it is needed."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def listening(addresses: Sequence[str]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Listen on a free port of each address that is ours; yields address and port of those that are.

    Nothing is read or answered: the kernel shakes hands by itself, and that is all a proof needs.
    """
    found = []
    with ExitStack() as open_sockets:
        for address in addresses:
            with suppress(OSError):
                listener = open_sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                listener.bind((address, 0))
                listener.listen(32)
                found.append((address, int(listener.getsockname()[1])))
        yield tuple(found)
