"""Whether a TCP port of the host can be bound now."""

import contextlib
import errno
import socket
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def probing(address: str) -> Iterator[Callable[[int], bool]]:
    """The question whether a port of `address` can be bound, for asking it many times over.

    A socket that was refused one port can try the next, which is several times cheaper than a new one; so a
    range whose first hundred ports are taken is gone through in a fraction of a millisecond.
    """
    with contextlib.ExitStack() as sockets:
        spare: list[socket.socket] = []

        def is_free(port: int) -> bool:
            probe = spare.pop() if spare else sockets.enter_context(_new_socket(address))
            try:
                probe.bind((address, port))
            except OSError as error:
                spare.append(probe)
                # A port that we may not bind at all (below 1024 without the right) counts as free: the
                # engine decides, and says why not.
                return error.errno in (errno.EACCES, errno.EPERM)
            with probe:
                return _can_listen(probe)

        yield is_free


def port_is_free(address: str, port: int) -> bool:
    """Whether `address:port` can be bound at this moment by a listener like the engine's."""
    with probing(address) as is_free:
        return is_free(port)


def _new_socket(address: str) -> socket.socket:
    """With SO_REUSEADDR, or a port in TIME_WAIT would look busy; what somebody listens on is refused."""
    probe = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


def _can_listen(probe: socket.socket) -> bool:
    try:
        probe.listen(1)
    except OSError:
        return False
    return True
