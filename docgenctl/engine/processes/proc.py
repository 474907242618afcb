"""What the kernel tells of processes (`/proc`), and the ties by which ours end with their supervisor."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_FIRST_TO_END = "1000"

#: In the environment of every process of a container, by which leftovers are recognised.
MARK = "DOCGENCTL_CONTAINER"


def become_subreaper() -> None:
    """Grandchildren whose parent ended become ours, not init's."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def tie_to_parent(supervisor: int) -> None:
    """For the moment between fork and exec: end with the supervisor, never gain rights, leave no core."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.getppid() != supervisor:  # it ended before the tie was made
        os._exit(137)


@dataclass(frozen=True, slots=True)
class Use:
    """What a process and its descendants use now: CPU seconds since their start, bytes, how many they are."""

    cpu_s: float
    memory_bytes: int
    count: int


def started(pid: int) -> int:
    """When a process began, in the kernel's ticks since boot; 0 when it is gone. Tells a reused id."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def alive(pid: int, start: int) -> bool:
    """Whether exactly that process is still there (a dead one that nobody waited for is not)."""
    fields = _stat(pid) if pid else []
    return bool(fields) and int(fields[19]) == start and fields[0] not in ("Z", "X")


def use_of(pid: int) -> Use:
    """The use of a process and all its descendants."""
    cpu, memory, count = 0.0, 0, 0
    for member in family(pid):
        fields = _stat(member)
        if fields:
            cpu += (int(fields[11]) + int(fields[12])) / _TICKS
            memory += int(fields[21]) * _PAGE
            count += 1
    return Use(cpu, memory, count)


def family(pid: int) -> list[int]:
    """A process and all its descendants, parents first."""
    found = [pid]
    for member in found:
        with suppress(OSError):
            tasks = os.listdir(f"/proc/{member}/task")  # noqa: PTH208 - names only
            for task in tasks:
                with suppress(OSError):
                    text = Path(f"/proc/{member}/task/{task}/children").read_text(encoding="ascii")
                    found += [int(word) for word in text.split()]
    return found


def lasting_memory(pid: int) -> int:
    """Bytes that a process and its descendants hold, without those that `kill_expendable` would end."""
    service, *others = family(pid)
    return sum(
        _resident(member) for member in (service, *(it for it in others if not _expendable(it, service)))
    )


def _resident(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * _PAGE if fields else 0


def _expendable(pid: int, service: int) -> bool:
    """Whether it told the kernel to end it first, and its service did not; False for one that is gone."""
    with suppress(OSError):
        return _ends_first(pid) and not _ends_first(service)
    return False


def kill_expendable(pid: int) -> int:
    """Kill those descendants of a process that told the kernel to end them first; returns how many.

    Where memory is short in a container the kernel does the same, and the service goes on.
    """
    killed = 0
    service, *others = family(pid)
    for member in others:
        with suppress(OSError):
            if _expendable(member, service):
                os.kill(member, signal.SIGKILL)
                killed += 1
    return killed


def _ends_first(pid: int) -> bool:
    return Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii").strip() == _FIRST_TO_END


def kill_marked(container_ids: set[str]) -> int:
    """Kill every process that carries the mark of one of these containers; returns how many there were."""
    wanted = {f"{MARK}={identity}".encode() for identity in container_ids}
    killed = 0
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with suppress(OSError):
            variables = Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
            if wanted.intersection(variables):
                os.kill(int(name), signal.SIGKILL)
                killed += 1
    return killed


def kill_session(pid: int) -> None:
    """Kill the process group that a container's first process leads.

    Raises ValueError for 0, which would mean the caller's own group, and for 1 and less: everybody.
    """
    if pid <= 1:
        raise ValueError(f"{pid} is no container's process")
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the name before them may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
