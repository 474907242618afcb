"""Who listens, with real sockets and real processes."""

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from docgenctl.host.socket_tables import listeners, port_holders

SERVE = """
import socket, sys
listening = socket.create_server(("{}", 0))
print(listening.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def stranger(address: str = "127.0.0.1", **more: object) -> Iterator[tuple[int, int]]:
    """A process of its own that listens: its pid and its port."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE.format(address)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    ) as process:
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def test_the_process_that_listens_is_named_with_its_user() -> None:
    with stranger() as (pid, port):
        holder = port_holders([port])[port]
    assert (holder.pid, holder.address, holder.user) == (pid, "127.0.0.1", me())
    assert holder.program.startswith("python")
    assert str(holder) == f"{holder.program} (pid {pid}, {me()})"


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.skipif(os.geteuid() != 0, reason="takes two users, so it needs root")
def test_a_process_of_somebody_else_is_told_by_its_user_alone() -> None:
    look = (
        "from docgenctl.host.socket_tables import port_holders\nimport sys\n"
        "print(port_holders([int(sys.argv[1])])[int(sys.argv[1])])"
    )
    with stranger() as (_, port):
        seen = subprocess.run(
            [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                sys.executable,
                "-c",
                look,
                str(port),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    assert seen.stdout.strip() == "a process of root"


def test_ports_on_which_nobody_listens_have_no_holder() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert port_holders([bound.getsockname()[1]]) == {}


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_listeners_on_ipv6_are_seen_with_their_address() -> None:
    try:
        holder = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with holder:
        port = holder.getsockname()[1]
        assert [each.address for each in listeners() if each.port == port] == ["::1"]


def test_where_the_kernel_has_no_tables_nothing_is_known(tmp_path) -> None:
    assert listeners(tmp_path) == ()
    assert port_holders([80], proc=tmp_path) == {}
