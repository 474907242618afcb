from ipaddress import IPv4Network
from pathlib import Path

from docgenctl.host.routes import Route, routes

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "route"
    path.write_text(HEADER + "".join(f"{line}\t0\t0\t0\n" for line in lines))
    return path


def test_networks_are_read_from_the_kernel_s_table_without_the_default_route(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000",
        "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF",
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF",
        "tun0\t0A63140A\t00000000\t0005\t0\t0\t0\tFFFFFFFF",
    )
    assert routes(path) == (
        Route(IPv4Network("10.0.0.0/8"), "eth0"),
        Route(IPv4Network("10.20.99.10/32"), "tun0"),
        Route(IPv4Network("172.17.0.0/16"), "docker0"),
    )


def test_an_empty_table_routes_nothing(tmp_path: Path) -> None:
    assert routes(table(tmp_path)) == ()


def test_where_there_is_no_table_nothing_is_known(tmp_path: Path) -> None:
    assert routes(tmp_path / "none") == ()


def test_this_machine_s_table_can_be_read() -> None:
    assert all(route.network.prefixlen and route.interface for route in routes())
