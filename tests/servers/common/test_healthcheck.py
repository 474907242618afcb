"""The watchdog's judgement: who hangs, who is only slow, and where nobody is ended."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_common import healthcheck

SILENT, SLOW, REFUSED = "silent", "slow", "refused"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was ended, and why; in a container, with little patience, of a program that stands still."""
    reasons: list[str] = []
    monkeypatch.setattr(healthcheck, "SILENCE_S", 0.3)
    monkeypatch.setattr(healthcheck, "HEALTHY_S", 0.05)
    monkeypatch.setattr(healthcheck, "_COUNT", str(tmp_path / "silent"))
    monkeypatch.setattr(healthcheck, "may_end", lambda: True)
    monkeypatch.setattr(healthcheck, "end", reasons.append)
    monkeypatch.setattr(healthcheck, "processor_s", lambda: 7.0)
    return reasons


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def answering(server: socket.socket, answer: bytes, after_s: float = 0.0) -> None:
    """Answers one connection, in the background."""

    def answer_one() -> None:
        connection, _ = server.accept()
        with connection:
            threading.Event().wait(after_s)
            connection.sendall(answer)

    threading.Thread(target=answer_one, daemon=True).start()


def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the program uses processor time."""
    ticks = iter(range(1000))
    monkeypatch.setattr(healthcheck, "processor_s", lambda: float(next(ticks)))


def test_a_program_that_stands_still_and_says_nothing_is_ended_at_once(
    ended: list[str], listening: socket.socket
) -> None:
    assert healthcheck.main(port_of(listening)) == 1
    assert len(ended) == 1


def test_a_busy_one_is_ended_at_the_third_silent_check_in_a_row(
    ended: list[str], listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(monkeypatch)
    for _ in range(2):
        assert healthcheck.main(port_of(listening)) == 1
    assert ended == []
    healthcheck.main(port_of(listening))
    assert len(ended) == 1


def test_an_answer_in_between_begins_the_count_anew(
    ended: list[str], listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(monkeypatch)
    for _ in range(2):
        healthcheck.main(port_of(listening))
    with socket.create_server(("127.0.0.1", 0)) as other:
        answering(other, b"HTTP/1.1 200 OK\r\n\r\n")
        assert healthcheck.main(port_of(other)) == 0
    for _ in range(2):
        healthcheck.main(port_of(listening))
    assert ended == []


@pytest.mark.parametrize(
    ("answer", "after_s", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 0.0, 0),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0.15, 1),  # late, and alive
        (b"HTTP/1.1 503 No\r\n\r\n", 0.0, 1),
        (b"", 0.0, 1),
        (b"SSH-2.0-x 200\r\n", 0.0, 1),
    ],
)
def test_whoever_says_anything_is_left_alone(
    ended: list[str], listening: socket.socket, answer: bytes, after_s: float, status: int
) -> None:
    answering(listening, answer, after_s)
    assert healthcheck.main(port_of(listening)) == status
    assert ended == []


def test_where_nothing_listens_nothing_is_ended(ended: list[str], listening: socket.socket) -> None:
    port = port_of(listening)
    listening.close()
    for _ in range(5):
        assert healthcheck.main(port) == 1
    assert ended == []


def test_outside_of_a_container_nothing_is_ended(
    ended: list[str], listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert not healthcheck.may_end()
    monkeypatch.setattr(os, "getppid", lambda: 0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not healthcheck.may_end()
