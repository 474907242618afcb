"""The engine's JSON, whole and with what newer engines leave out."""

import pytest

from docgenctl.engine.observation import (
    container_from,
    event_from,
    found_from,
    health_of,
    image_from,
    machine_from,
    network_from,
    stats_from,
)
from docgenctl.model.observed import Health


def test_a_container_with_nothing_but_an_id_can_be_read() -> None:
    container = container_from({"Id": "x"})
    assert (container.id, container.service, container.ports, container.networks) == ("x", "", (), {})


def test_addresses_come_from_networks_which_newer_engines_still_have() -> None:
    answer = {"Id": "x", "NetworkSettings": {"Networks": {"p_a": {"IPAddress": "10.0.0.2"}, "p_b": None}}}
    assert container_from(answer).networks == {"p_a": "10.0.0.2", "p_b": ""}


def test_ports_are_those_asked_for_until_the_container_runs() -> None:
    asked = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": [{"HostPort": "53"}]}
    answer = {
        "Id": "x",
        "HostConfig": {"PortBindings": asked},
        "NetworkSettings": {"Ports": {"8000/tcp": None}},
    }
    (port,) = container_from(answer).ports
    assert (port.host_ip, port.host_port, port.container_port) == ("127.0.0.1", 8080, 8000)


def test_the_time_of_a_container_never_started_is_empty() -> None:
    assert container_from({"Id": "x", "State": {"StartedAt": "0001-01-01T00:00:00Z"}}).started_at == ""


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ({"Status": "running"}, Health.HEALTHY),
        ({"Status": "running", "Health": {"Status": "none"}}, Health.HEALTHY),
        ({"Status": "running", "Health": {"Status": "starting"}}, Health.STARTING),
        ({"Status": "running", "Health": {"Status": "unhealthy"}}, Health.UNHEALTHY),
        ({"Status": "restarting", "Health": {"Status": "healthy"}}, Health.STARTING),
        ({"Status": "exited", "Health": {"Status": "healthy"}}, Health.UNHEALTHY),
        ({"Status": "paused"}, Health.UNHEALTHY),
        ({"Status": "created"}, Health.STARTING),
    ],
)
def test_health_is_one_of_three_words(state: dict[str, object], health: Health) -> None:
    assert health_of(state) is health


def test_events_are_read_without_the_fields_that_are_gone() -> None:
    attributes = {"com.docker.compose.service": "main", "exitCode": "3"}
    event = event_from({"Action": "die", "Actor": {"ID": "x", "Attributes": attributes}})
    assert event is not None
    assert (event.service, event.container_id, event.action, event.exit_code) == ("main", "x", "die", 3)
    healthy = event_from({"Action": "health_status: healthy", "Actor": {"ID": "x"}})
    assert healthy is not None
    assert (healthy.action, healthy.health) == ("health", Health.HEALTHY)
    assert event_from({"Action": "exec_start: sh", "Actor": {"ID": "x"}}) is None


CPU = {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2}
CPU_BEFORE = {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000}


@pytest.mark.parametrize("cache", [{"total_inactive_file": 400, "inactive_file": 1}, {"inactive_file": 400}])
def test_stats_are_the_same_on_both_cgroup_versions(cache: dict[str, int]) -> None:
    memory = {"usage": 1000, "limit": 5000, "stats": cache}
    answer = {
        "cpu_stats": CPU,
        "precpu_stats": CPU_BEFORE,
        "memory_stats": memory,
        "pids_stats": {"current": 7},
    }
    stats = stats_from(answer)
    assert (stats.cpu_percent, stats.memory_bytes, stats.memory_limit_bytes, stats.pids) == (40, 600, 5000, 7)


def test_stats_of_a_stopped_container_are_zero() -> None:
    stats = stats_from({"cpu_stats": {}, "memory_stats": {}})
    assert (stats.cpu_percent, stats.memory_bytes, stats.pids) == (0, 0, 0)


def test_ipv6_subnets_are_not_ours_to_judge() -> None:
    config = [{"Subnet": "fd00::/64"}, {"Subnet": "10.0.0.0/28"}]
    assert network_from({"Id": "x", "Name": "n", "IPAM": {"Config": config}}).subnet == "10.0.0.0/28"
    assert network_from({"Id": "x", "IPAM": {"Config": None}}).subnet == ""


def test_image_labels_are_found_in_lists_and_in_inspections() -> None:
    assert image_from({"Id": "x", "Labels": {"a": "1"}, "RepoTags": ["<none>:<none>"]}).labels == {"a": "1"}
    inspected = image_from({"Id": "x", "Config": {"Labels": {"a": "1"}}, "RepoTags": ["r:1"]})
    assert (inspected.labels, inspected.references) == ({"a": "1"}, ("r:1",))


def test_rootless_engines_are_known_as_such() -> None:
    info = {"SecurityOptions": ["name=seccomp", "name=rootless"], "NCPU": 4, "MemTotal": 5}
    assert machine_from(info) == {"cpus": 4, "memory_bytes": 5, "rootless": True}
    assert machine_from({})["rootless"] is False


def test_an_engine_has_the_name_of_its_first_component() -> None:
    podman = {"Components": [{"Name": "Podman Engine"}]}
    assert found_from(podman, address="a", source="s").name == "Podman Engine"
    assert found_from({}, address="a", source="s").name == "Docker Engine"
