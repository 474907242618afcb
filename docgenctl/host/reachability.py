"""What answers when one tries to reach it over TCP, from here or from inside a container.

Theory of operation. This file runs in two places: imported on this machine, and handed as it is to the Python
of a container, so that a proof and its control are looked at with the same eyes. It therefore knows nothing
but the standard library, and imports as little of it as it can: inside, its start is what a proof costs.

Everything is tried at once. What is expected to answer (the control) is waited for, up to `at_most_s`; what
is expected to be silent gets as long as the controls took, and at least `patience_s`. A refusal is an answer:
somebody had to receive the packet to refuse it. The kernel shakes hands without the processes at either end,
so a busy machine delays neither. Nothing is ever sent over a connection that opens.

Ways out are looked at in the kernel's own tables. Where a route leads to a next hop that nobody answers for
on the link, no packet can leave, whatever the route says.
"""

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Sequence

CONNECTED, REFUSED = "connected", "refused"
SILENT, NO_ROUTE, NO_NAME = "silent", "no route", "no such name"
#: What shows that packets got through.
ANSWERS = (CONNECTED, REFUSED)

#: Host, port, and whether an answer is expected. A name is looked up with the engine's resolver.
Target = tuple[str, int, bool]

_RESOLVER_PORT = 53
_ADDRESS_RECORD = b"\x00\x01\x00\x01"
#: Of the documentation (RFC 3849); asked for a route only, never sent to.
_FAR_AWAY = ("2001:db8::1", 9)


def look(
    targets: Sequence[Target], *, inside: bool = False, patience_s: float = 0.1, at_most_s: float = 2.0
) -> dict[str, list[str]]:
    """What came of trying each `(host, port, expected)`, in their order, and the ways out of here.

    Returns `{"found": [one of the words above], "ways_out": [next hops that answer]}`; a way out by IPv6 is
    told as `IPv6`. Ways out are looked for only `inside` a container: this machine's routers are strangers.
    """
    hops = _next_hops() if inside else []
    poll = select.poll()
    # Reaching for a next hop makes the kernel ask for it on the link.
    tries = [_Try(target, poll) for target in (*targets, *((hop, _RESOLVER_PORT, False) for hop in hops))]
    began = time.monotonic()
    for each in tries:
        each.begin()
    while True:
        now = time.monotonic() - began
        waiting = [each for each in tries if each.found is None]
        patient = now < patience_s or (now < at_most_s and any(each.expected for each in waiting))
        if not waiting:
            break
        # Also asked once more after the time is over: what has come in meanwhile counts.
        ready = {descriptor for descriptor, _ in poll.poll(20 if patient else 0)}
        for each in waiting:
            if each.descriptor in ready:
                each.go_on()
        if not patient:
            break
    for each in tries:
        each.end()
    linked = _linked()
    ways = [hop for hop in hops if hop in linked] + (_ways_out_v6() if inside else [])
    return {"found": [each.found or SILENT for each in tries[: len(targets)]], "ways_out": ways}


class _Try:
    """One target: a question to the resolver first if it is a name, then a connection."""

    def __init__(self, target: Target, poll: "select.poll") -> None:
        self.host, self.port, self.expected = target
        self.found: str | None = None
        self.descriptor = -1
        self._poll = poll
        self._socket: socket.socket | None = None
        self._asking = not _is_address(self.host)

    def begin(self) -> None:
        """Send the question, or the first packet of the connection."""
        try:
            if self._asking:
                self._open(socket.AF_INET, socket.SOCK_DGRAM).sendto(_question(self.host), _resolver())
            else:
                family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
                self._judge(self._open(family, socket.SOCK_STREAM).connect_ex((self.host, self.port)))
        except OSError:
            self.settle(NO_NAME if self._asking else NO_ROUTE)

    def go_on(self) -> None:
        """Something has come in."""
        if self._socket is None:
            return
        if not self._asking:
            self._judge(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            return
        try:
            address = _answered(self._socket.recv(512))
        except OSError:
            address = None
        self._close()
        if address is None:
            self.settle(NO_NAME)
            return
        self.host, self._asking = address, False
        self.begin()

    def end(self) -> None:
        """No more waiting."""
        if self.found is None:
            self.settle(NO_NAME if self._asking else SILENT)

    def settle(self, found: str) -> None:
        """That is what came of it."""
        self.found = found
        self._close()

    def _open(self, family: int, kind: int) -> socket.socket:
        opened = self._socket = socket.socket(family, kind)
        opened.setblocking(False)
        self.descriptor = opened.fileno()
        self._poll.register(self.descriptor, select.POLLIN if self._asking else select.POLLOUT)
        return opened

    def _close(self) -> None:
        if self._socket is not None:
            self._poll.unregister(self.descriptor)
            self._socket.close()
            self._socket, self.descriptor = None, -1

    def _judge(self, number: int) -> None:
        if number == 0:
            self.settle(CONNECTED)
        elif number in (errno.ECONNREFUSED, errno.ECONNRESET):
            self.settle(REFUSED)
        elif number == errno.ETIMEDOUT:
            self.settle(SILENT)
        elif number != errno.EINPROGRESS:
            self.settle(NO_ROUTE)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def _resolver() -> tuple[str, int]:
    with open("/etc/resolv.conf", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - see above
        for line in file:
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                return words[1], _RESOLVER_PORT
    return "127.0.0.1", _RESOLVER_PORT


def _question(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    return os.urandom(2) + bytes.fromhex("01000001000000000000") + labels + b"\x00" + _ADDRESS_RECORD


def _answered(message: bytes) -> str | None:
    """The address in an answer, None where it says that there is none."""
    if message[3] & 0x0F or not int.from_bytes(message[6:8], "big"):
        return None
    at = message.rfind(_ADDRESS_RECORD)
    return socket.inet_ntoa(message[at + 10 : at + 14]) if len(message) >= at + 14 else None


def _rows(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - see above
            return [line.split() for line in file][1:]
    except OSError:
        return []


def _next_hops() -> list[str]:
    """Addresses of all routers that the IPv4 table names."""
    hops = {row[2] for row in _rows("/proc/net/route") if len(row) > 2 and row[2] != "00000000"}
    return sorted(socket.inet_ntoa(struct.pack("=I", int(hop, 16))) for hop in hops)


def _linked() -> set[str]:
    """Neighbours that have answered for their address."""
    return {row[0] for row in _rows("/proc/net/arp") if len(row) > 2 and int(row[2], 16) & 0x2}


def _ways_out_v6() -> list[str]:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(_FAR_AWAY)  # chooses a route and sends nothing
    except OSError:
        return []
    return ["IPv6"]


def main() -> None:
    """Inside a container: read the targets as JSON from the first argument, print what was found."""
    sys.stdout.write(json.dumps(look(json.loads(sys.argv[1]), inside=True)))


if __name__ == "__main__":
    main()
