"""Whether a TCP port of the host can be bound now."""

import errno
import socket


def port_is_free(address: str, port: int) -> bool:
    """Whether `address:port` can be bound at this moment by a listener like the engine's.

    Without SO_REUSEADDR a port in TIME_WAIT would look busy; with it, Linux still refuses a port on
    which something listens. A port that we may not bind at all (below 1024 without the right) counts as
    free: the engine decides, and says why not.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            return error.errno in (errno.EACCES, errno.EPERM)
    return True
