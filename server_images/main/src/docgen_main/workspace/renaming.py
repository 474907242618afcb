"""Renaming by descriptor, with the kernel's own refusal to take a name that is in use."""

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache

_RENAME_NOREPLACE = 1
#: file systems (some network and user-space ones) and kernels that do not know the flag
_UNKNOWN = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})


def rename(source: int, name: str, target: int, new_name: str) -> None:
    """Rename `name` of directory `source` to `new_name` of directory `target`, replacing what has it."""
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def rename_new(source: int, name: str, target: int, new_name: str) -> None:
    """Rename, or raise `FileExistsError` when `new_name` is in use, even by a link that leads nowhere."""
    number = _renameat2()(source, os.fsencode(name), target, os.fsencode(new_name), _RENAME_NOREPLACE)
    if number in _UNKNOWN:
        _rename_after_look(source, name, target, new_name)
    elif number:
        raise OSError(number, os.strerror(number))


def _rename_after_look(source: int, name: str, target: int, new_name: str) -> None:
    """Without the kernel's help there is an instant in which somebody else's new file would be replaced."""
    try:
        os.stat(new_name, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        rename(source, name, target, new_name)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int]:
    """The C library's function, returning an errno or 0; ENOSYS where it has none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return lambda *_: errno.ENOSYS
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    return lambda *arguments: ctypes.get_errno() if function(*arguments) else 0
