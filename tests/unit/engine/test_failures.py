"""Sentences of real engines, and what we make of them."""

import errno

import pytest

from docgenctl.engine.failures import (
    AnswerError,
    Host,
    from_answer,
    install_hint,
    start_hint,
    too_old,
    unreachable,
)
from docgenctl.model.errors import EngineError, PortTakenError, SubnetTakenError

DEBIAN = Host(docker_installed=True, systemd=True, apt=True)


@pytest.mark.parametrize(
    "explanation",
    [
        # 20.10, a process holds the port
        "driver failed programming external connectivity on endpoint x (5e…): Error starting userland proxy:"
        " listen tcp4 127.0.0.1:8080: bind: address already in use",
        # 20.10, a container holds it
        "driver failed programming external connectivity on endpoint x (5e…): Bind for 127.0.0.1:8080 failed:"
        " port is already allocated",
        # 26
        "driver failed programming external connectivity on endpoint x (5e…): failed to bind port"
        " 127.0.0.1:8080/tcp: Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address"
        " already in use",
        # 28
        "failed to set up container networking: driver failed programming external connectivity on endpoint x"
        " (5e…): failed to bind host port for 127.0.0.1:8080:172.17.0.2:80/tcp: address already in use",
        # 29
        "failed to set up container networking: driver failed programming external connectivity on endpoint x"
        " (5e…): failed to bind host port 127.0.0.1:8080/tcp: address already in use",
        # Docker Desktop
        "Ports are not available: exposing port TCP 127.0.0.1:8080 -> 0.0.0.0:0: listen tcp 127.0.0.1:8080:"
        " bind: address already in use",
    ],
)
def test_a_taken_port_is_recognised_in_every_engines_words(explanation: str) -> None:
    error = from_answer("start container x", 500, explanation)
    assert isinstance(error, PortTakenError)
    assert error.host_port == 8080
    assert "8080" in error.hint


@pytest.mark.parametrize(
    "explanation",
    [
        "Pool overlaps with other one on this address space",
        "invalid pool request: Pool overlaps with other one on this address space",
        "cannot create network 1f (br-1f): conflicts with network 2e (br-2e): networks have overlapping IPv4",
    ],
)
def test_an_overlapping_subnet_is_recognised(explanation: str) -> None:
    assert isinstance(from_answer("create network x", 403, explanation), SubnetTakenError)


def test_other_answers_keep_their_words_and_status() -> None:
    error = from_answer(
        "create container x", 409, 'Conflict. The container name "/x" is already in use by y.'
    )
    assert isinstance(error, AnswerError)
    assert (error.status, error.code, error.hint) == (409, "engine", "docker rm -f x")


@pytest.mark.parametrize(
    ("number", "host", "code", "hint"),
    [
        (errno.EACCES, DEBIAN, "denied", 'sudo usermod -aG docker "$USER" && newgrp docker'),
        (errno.ECONNREFUSED, DEBIAN, "stopped", "sudo systemctl start docker"),
        (errno.ENOENT, DEBIAN, "stopped", "sudo systemctl start docker"),
        (errno.ENOENT, Host(docker_installed=False, apt=True), "absent", "sudo apt-get install -y docker.io"),
    ],
)
def test_dead_sockets_are_told_apart(number: int, host: Host, code: str, hint: str) -> None:
    error = unreachable(OSError(number, ""), "unix:///x", "socket /x", host)
    assert (error.code, error.hint) == (code, hint)
    assert error.exit_code == 4


def test_hints_fit_the_machine() -> None:
    mac = Host(docker_installed=False, system="Darwin")
    assert start_hint(mac) == "open -a Docker"
    assert install_hint(mac) == "brew install --cask docker"
    assert start_hint(Host(docker_installed=True)) == "sudo service docker start"
    assert install_hint(Host(docker_installed=False)).startswith("curl")


def test_every_failure_says_what_to_type() -> None:
    errors: list[EngineError] = [
        too_old("19.03", "1.40"),
        from_answer("start x", 500, "port is already allocated"),
    ]
    assert all(error.hint for error in errors)
