"""Who listens on the TCP ports of this host, from the kernel's own tables.

`/proc/net/tcp` names every listening socket, with its address, its user and its inode; `/proc/<pid>/fd` leads
from an inode to a process, but only for processes that we may look into. A listener of another user therefore
has a user and no process. Where there is no `/proc`, nothing is known.
"""

import pwd
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docgenctl.model.ports import PortHolder

_LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening TCP socket of this network namespace."""

    address: str
    port: int
    uid: int
    inode: int


def listeners(proc: Path = Path("/proc")) -> tuple[Listener, ...]:
    """Every listening TCP socket; empty where the kernel does not tell."""
    found: list[Listener] = []
    for name, size in (("tcp", 8), ("tcp6", 32)):
        try:
            lines = (proc / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split(None, 10)
            if fields[3] == _LISTENING:
                address, _, port = fields[1].partition(":")
                found.append(Listener(_address(address, size), int(port, 16), int(fields[7]), int(fields[9])))
    return tuple(found)


def port_holders(
    ports: Iterable[int], table: Iterable[Listener] | None = None, proc: Path = Path("/proc")
) -> dict[int, PortHolder]:
    """Port → who listens on it, for those of `ports` that somebody listens on."""
    wanted = frozenset(ports)
    held = {each.port: each for each in (listeners(proc) if table is None else table) if each.port in wanted}
    processes = _processes({each.inode for each in held.values()}, proc) if held else {}
    return {port: _holder(listener, processes) for port, listener in held.items()}


def _holder(listener: Listener, processes: Mapping[int, tuple[int, str]]) -> PortHolder:
    pid, program = processes.get(listener.inode, (0, ""))
    return PortHolder(
        port=listener.port,
        address=listener.address,
        pid=pid,
        program=program,
        user=user_name(listener.uid),
    )


def user_name(uid: int) -> str:
    """The user's name, `uid 1234` where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _processes(inodes: set[int], proc: Path) -> dict[int, tuple[int, str]]:
    """Socket inode → the first process (pid, name) that has it open, for processes we may look into."""
    links = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, tuple[int, str]] = {}
    for process in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        if len(found) == len(links):
            break
        try:
            for descriptor in (process / "fd").iterdir():
                inode = links.get(_target(descriptor), 0)
                if inode and inode not in found:
                    found[inode] = (int(process.name), _program(process))
        except OSError:  # it ended, or it is not ours to look into
            continue
    return found


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _program(process: Path) -> str:
    """The program's name; never its arguments, which may hold secrets."""
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _address(digits: str, size: int) -> str:
    """The kernel writes addresses as 32-bit words in the machine's byte order."""
    words = [int(digits[at : at + 8], 16) for at in range(0, size, 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if size == 8 else socket.AF_INET6, packed)
