"""Names to addresses, with an end to the waiting: the system's resolver has no time-out of its own to set."""

import queue
import socket
import threading
from pathlib import Path


class SilentResolverError(OSError):
    """No answer in time."""


def resolve(name: str, timeout_s: float) -> tuple[str, ...]:
    """All addresses of a name. Raises OSError when there are none, SilentResolverError without an answer."""
    answers: queue.Queue[tuple[str, ...] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
        except OSError as error:
            answers.put(error)
        else:
            answers.put(tuple(sorted({str(address[4][0]) for address in found})))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise SilentResolverError(f"no answer for {name} within {timeout_s:.0f} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def name_servers(path: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """The resolvers that the system is set up for; empty where it does not say."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1)
