"""Silent resolvers, a wrong localhost, full ranges, clashing subnets, firewalls that do not help."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from docgenctl.host.firewall import active_firewalls
from tests.unit.actions.doctor.sandbox import Patient, an_engine, can_mount
from tests.unit.actions.stage import free_range

mounting = pytest.mark.skipif(not can_mount(), reason="takes root and mount namespaces")


@mounting
def test_a_localhost_that_is_somewhere_else_is_a_problem(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 localhost\n")
    script = f"mount --bind {hosts} /etc/hosts"
    found = Patient(tmp_path).in_a_mount_namespace(script, "network/names")["network/names"]
    assert found["verdict"] == "problem"
    assert "192.0.2.7" in found["evidence"]


@mounting
def test_a_resolver_that_is_silent_is_told_and_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.53", 0))
        resolv = tmp_path / "resolv.conf"
        resolv.write_text("nameserver 192.0.2.53\noptions timeout:20 attempts:1\n")
        script = f"mount --bind {resolv} /etc/resolv.conf"
        patient = Patient(tmp_path)
        found = patient.in_a_mount_namespace(script, "network/names", "network/firewall")
    assert found["network/names"]["verdict"] == "warning"
    assert "192.0.2.53" in found["network/names"]["evidence"]
    assert found["network/firewall"]["verdict"] == "ok"


def test_behind_a_proxy_names_outside_do_not_matter(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("network/names", HTTPS_PROXY="http://127.0.0.1:3128")
    assert found.verdict == "ok"


def test_a_full_range_is_a_problem_with_its_holder(tmp_path: Path) -> None:
    span = free_range(2)
    first = int(span.split("-")[0])
    with ExitStack() as held:
        for port in (first, first + 1):
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        found = Patient(tmp_path).look("network/ports", MAIN_MCP_PORT_RANGE=span)
    assert found.verdict == "problem"
    assert span in found.evidence
    assert any(line.startswith(f"{first}: ") and "pid" in line for line in found.details)


def network(name: str, subnet: str, project: str) -> dict[str, object]:
    labels = {"com.docker.compose.project": project, "dev.docgenctl.project-id": project}
    return {"Id": name, "Name": name, "Labels": labels, "IPAM": {"Config": [{"Subnet": subnet}]}}


def test_pools_that_others_took_are_a_problem_with_their_names(tmp_path: Path) -> None:
    with an_engine(answers={"/networks": [network("office", "10.213.0.0/19", "other")]}) as host:
        found = Patient(tmp_path).look("network/subnets", DOCKER_HOST=host)
    assert found.verdict == "problem"
    assert "network office (10.213.0.0/19)" in found.evidence


def test_a_network_of_ours_under_somebody_else_s_is_a_problem(tmp_path: Path) -> None:
    patient = Patient(tmp_path, DOCGEN_PROJECT="mine")
    networks = [network("mine_a", "10.213.0.0/28", "mine"), network("tunnel", "10.213.0.0/24", "other")]
    with an_engine(answers={"/networks": networks}) as host:
        found = patient.look("network/subnets", DOCKER_HOST=host)
    assert found.verdict == "problem"
    assert found.evidence == "mine_a (10.213.0.0/28) overlaps network tunnel (10.213.0.0/24)"
    assert found.fix


def test_subnets_are_looked_at_without_an_engine_too(tmp_path: Path) -> None:
    assert Patient(tmp_path).look("network/subnets").verdict == "ok"


def test_ports_for_everybody_are_told_with_the_firewall_that_does_not_stop_them(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("network/firewall", DOCGEN_BIND="0.0.0.0")
    assert found.verdict == "warning"
    assert "0.0.0.0" in found.evidence
    assert Patient(tmp_path).look("network/firewall").verdict == "ok"


@mounting
def test_an_enabled_ufw_is_seen_and_told_as_passed_by(tmp_path: Path) -> None:
    (tmp_path / "ufw").mkdir()
    (tmp_path / "ufw" / "ufw.conf").write_text("# on at boot\nENABLED=yes\n")
    script = (
        f"mount -t tmpfs tmpfs /etc/apt\nmkdir /etc/apt/x\ncp -a {tmp_path}/ufw /etc/apt/x/\n"
        "mount -t overlay overlay -o lowerdir=/etc/apt/x:/etc /etc"
    )
    patient = Patient(tmp_path)
    found = patient.in_a_mount_namespace(script, "network/firewall", DOCGEN_BIND="0.0.0.0")
    assert found["network/firewall"]["verdict"] == "warning"
    assert "ufw does not stop them" in found["network/firewall"]["evidence"]


def test_firewalls_are_told_by_configuration_and_by_process(tmp_path: Path) -> None:
    (tmp_path / "etc" / "ufw").mkdir(parents=True)
    (tmp_path / "etc" / "ufw" / "ufw.conf").write_text("ENABLED=no\n")
    (tmp_path / "proc" / "77").mkdir(parents=True)
    (tmp_path / "proc" / "77" / "comm").write_text("firewalld\n")
    (found,) = active_firewalls(tmp_path)
    assert (found.name, found.evidence) == ("firewalld", "it runs as process 77")
