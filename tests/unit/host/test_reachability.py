"""What answers on this machine, seen with the eyes that look out of containers."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from docgenctl.host import reachability
from docgenctl.host.listeners import listening


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_listener_a_refusal_and_a_silence_are_told_apart() -> None:
    with listening(["127.0.0.1"]) as ((host, port),), socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address):  # its queue is full now: the kernel drops the next
            targets = [(host, port, True), (host, unused_port(), False), (address[0], address[1], False)]
            found = reachability.look(targets)["found"]
    assert found == ["connected", "refused", "silent"]


def test_every_address_that_is_ours_gets_a_listener_and_others_none() -> None:
    with listening(["127.0.0.1", "203.0.113.9", "127.0.0.2"]) as found:
        assert [host for host, _ in found] == ["127.0.0.1", "127.0.0.2"]
    assert reachability.look([(*address, False) for address in found])["found"] == ["refused", "refused"]


def test_routers_of_this_machine_are_not_looked_for() -> None:
    assert reachability.look([])["ways_out"] == []


def test_it_runs_as_a_program_that_has_nothing_but_the_standard_library() -> None:
    source = Path(reachability.__file__).read_text(encoding="utf-8")
    with listening(["127.0.0.1"]) as ((host, port),):
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", source, json.dumps([[host, port, True]])],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert json.loads(ran.stdout)["found"] == ["connected"]


def test_an_answer_of_the_resolver_is_read_and_a_refusal_of_it_too() -> None:
    head = bytes.fromhex("abcd81800001000100000000")
    question = b"\x06egress\x00" + bytes.fromhex("00010001")
    answer = bytes.fromhex("c00c000100010000003c0004") + socket.inet_aton("10.1.2.3")
    assert reachability._answered(head + question + answer) == "10.1.2.3"
    assert reachability._answered(bytes.fromhex("abcd81830001000000000000") + question) is None
