"""What is left to code that broke out of a template: nothing that others would notice."""

import json
import platform
import subprocess
import sys

import pytest

PROBE = """
import ctypes, json, mmap, os, resource, signal, socket, sys
from docgen_main.template_worker.confinement import confine
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
filtered = confine()
tries = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "create": lambda: os.open("/tmp/planted", os.O_CREAT | os.O_WRONLY),
    "listdir": lambda: os.listdir("/"),
    "stat": lambda: os.stat("/etc/passwd"),
    "unlink": lambda: os.unlink("/tmp/nothing"),
    "socket": lambda: socket.socket(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "socketpair": lambda: socket.socketpair(),
    "pipe": lambda: os.pipe(),
    "dup": lambda: os.dup(0),
    "fork": lambda: os.fork() or os._exit(0),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(parent, 0),
    "raise the limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99)),
    "the parent's limit": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (99, 99)),
    "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "ptrace": lambda: check(libc.ptrace(16, parent, 0, 0)),
    "the parent's memory": lambda: check(libc.process_vm_readv(parent, None, 0, None, 0, 0)),
    "chdir": lambda: os.chdir("/tmp"),
    "setuid": lambda: os.setuid(65534),
}
def check(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), "refused")
done = []
for name, attempt in tries.items():
    try:
        attempt()
        done.append(name)
    except (OSError, ValueError):
        pass
small = mmap.mmap(-1, 4096)
os.write(1, json.dumps({"filtered": filtered, "done": done}).encode())
"""


def test_nothing_can_be_opened_begun_or_signalled_any_more() -> None:
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("system calls are filtered on x86-64 and arm64")
    code = f"import sys; sys.path[:] = {sys.path!r}\n{PROBE}"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    assert json.loads(run.stdout) == {"filtered": True, "done": []}
