"""Taking from this process, for good, what rendering a template does not need.

Limits of the kernel close the number of descriptors, the size of files, processes and memory. A seccomp
filter then leaves a few system calls: reading and writing what is open, memory that cannot be executed, time,
its own end. So even code that broke out of the template language could open no file or connection, begin no
process and signal nobody. The filter needs Linux on x86-64 or arm64; elsewhere the limits stand alone.
"""

import ctypes
import errno
import platform
import resource
import struct

MEMORY_BYTES = 256 << 20
_DESCRIPTORS = 3
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _THIRD_ARGUMENT_AT = 0, 4, 32
_EXECUTABLE = 4  # PROT_EXEC

#: by machine: the kernel's name for it, mmap, and the other calls that are left, in this order: read write
#: munmap brk rt_sigprocmask rt_sigreturn mremap madvise setitimer getpid exit exit_group futex clock_gettime
#: gettimeofday getrandom
_CALLS = {
    "x86_64": (0xC000003E, 9, (0, 1, 11, 12, 14, 15, 25, 28, 38, 39, 60, 231, 202, 228, 96, 318)),
    "aarch64": (
        0xC00000B7,
        222,
        (63, 64, 215, 214, 135, 139, 216, 233, 103, 172, 93, 94, 98, 113, 169, 278),
    ),
}


def confine() -> bool:
    """Give up everything; returns whether system calls are filtered, too."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        resource.setrlimit(limit, (most, most))
    return _filter_calls()


def _filter_calls() -> bool:
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    program = _program(*known)
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog: number of instructions, padding, address
    told = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return int(libc.prctl(_SET_SECCOMP, _FILTER, told, 0, 0)) == 0


def _program(architecture: int, mmap: int, calls: tuple[int, ...]) -> bytes:
    """The filter, in the kernel's bytecode: code, steps on when true, when false, operand."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for call in calls:
        steps += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _ALLOW)]
    steps += [
        (_EQUAL, 0, 3, mmap),
        (_LOAD, 0, 0, _THIRD_ARGUMENT_AT),
        (_ANY_BIT, 1, 0, _EXECUTABLE),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
