import socket

import pytest

from docgenctl.host.ports import port_is_free


def listening(address: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
    holder.bind((address, 0))
    holder.listen()
    return holder


def test_a_port_on_which_somebody_listens_is_not_free_until_they_stop() -> None:
    holder = listening()
    port = holder.getsockname()[1]
    assert not port_is_free("127.0.0.1", port)
    holder.close()
    assert port_is_free("127.0.0.1", port)


def test_somebody_on_all_addresses_holds_the_port_on_each() -> None:
    with listening("0.0.0.0") as holder:
        assert not port_is_free("127.0.0.1", holder.getsockname()[1])


def test_somebody_on_one_address_holds_the_port_for_all() -> None:
    with listening() as holder:
        assert not port_is_free("0.0.0.0", holder.getsockname()[1])


def test_asking_does_not_take_the_port() -> None:
    with listening() as holder:
        port = holder.getsockname()[1]
    assert [port_is_free("127.0.0.1", port) for _ in range(3)] == [True, True, True]


def test_a_port_whose_last_connection_is_still_being_buried_is_free() -> None:
    with listening() as holder:
        port = holder.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), holder.accept()[0]:
            pass
    assert port_is_free("127.0.0.1", port)


def test_an_address_that_is_not_ours_has_no_free_port() -> None:
    assert not port_is_free("192.0.2.1", 8080)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_addresses_are_asked_too() -> None:
    try:
        holder = listening("::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with holder:
        assert not port_is_free("::1", holder.getsockname()[1])
