"""A process that exchanges two names as fast as the kernel can, beside a test that uses one of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: exchanges, and now and then puts back what the tool under test took away or replaced
_PROGRAM = """
import ctypes, os, shutil, sys
place, spare, kind, outside = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def make(path):
    if kind == "file":
        with open(path + ".new", "w") as file:
            file.write("inside")
        os.rename(path + ".new", path)
    else:
        os.makedirs(path, exist_ok=True)
        with open(path + "/secret", "w") as file:
            file.write("inside")
def remove(path):
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    else:
        shutil.rmtree(path, ignore_errors=True)
def mend():
    links = [os.path.islink(path) for path in (place, spare)]
    if sum(links) == 1 and os.path.exists(place) and os.path.exists(spare):
        if kind == "directory":
            make(spare if links[0] else place)
        return
    remove(spare)
    os.symlink(outside, spare)
    if not os.path.lexists(place) or os.path.islink(place):
        remove(place)
        make(place)
a, b = place.encode(), spare.encode()
mend()
print("ready", flush=True)
while os.getppid() == int(os.environ["SWAPPED_FOR"]):
    for _ in range(20):
        libc.renameat2(-100, a, -100, b, 2)
    try:
        mend()
    except OSError:  # the tool was in between
        pass
"""


@contextmanager
def swapped(place: Path, outside: Path, *, directory: bool = False) -> Iterator[None]:
    """Inside the block `place` is by turns a file (or directory) and a link to `outside`, very often."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(place), str(place.with_name("spare")),
         "directory" if directory else "file", str(outside)],
        stdout=subprocess.PIPE,
        env={"SWAPPED_FOR": str(os.getpid())},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
