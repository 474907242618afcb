import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from docgenctl.rendering.compose_file import duration, render_compose
from tests.unit.rendering.blueprints import EMPTY, FULL, TEMPLATES, make_blueprint, make_stack

SCALED = {"orchestrator": {"replicas": 3}}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def compose(wanted: dict = FULL) -> dict[str, Any]:
    blueprint = make_blueprint(wanted)
    return parse(render_compose(make_stack(blueprint), blueprint, TEMPLATES))


def parse(text: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


@pytest.mark.parametrize("wanted", [FULL, EMPTY, SCALED])
def test_the_file_follows_the_compose_specification(wanted: dict, tmp_path: Path) -> None:
    blueprint = make_blueprint(wanted)
    file = tmp_path / "docker-compose.mcp.yml"
    file.write_text(render_compose(make_stack(blueprint), blueprint, TEMPLATES))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_runs_several_times_is_named_by_compose_as_by_us() -> None:
    """Compose counts up from `<project>-<service>-1` by itself, and refuses a name of one's own."""
    services = compose(SCALED)["services"]
    assert services["orchestrator"]["deploy"] == {"replicas": 3}
    assert [name for name, service in services.items() if "container_name" not in service] == ["orchestrator"]


def test_every_service_is_hardened_and_bounded() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["memswap_limit"] == service["mem_limit"] > 0, name
        assert service["cpus"] > 0, name
        assert service["pids_limit"] > 0, name
        assert service["restart"] == "unless-stopped", name
        assert service["stop_grace_period"] == ("5s" if name == "gateway" else "12s"), name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
        assert service["tmpfs"] == ["/tmp:rw,noexec,nosuid,nodev,size=67108864,mode=1777"], name
        assert "privileged" not in service, name


def test_the_engine_s_socket_is_mounted_nowhere() -> None:
    blueprint = make_blueprint()
    assert "docker.sock" not in render_compose(make_stack(blueprint), blueprint, TEMPLATES)


def test_the_health_check_has_no_start_interval() -> None:
    for service in compose()["services"].values():
        check = service["healthcheck"]
        assert sorted(check) == ["interval", "retries", "start_period", "test", "timeout"]
        assert check["test"][0] == "CMD"


def test_only_the_gateway_publishes_ports_and_only_where_it_is_told() -> None:
    services = compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["gateway"]
    for port in services["gateway"]["ports"]:
        assert port["host_ip"] == "127.0.0.1"
        assert isinstance(port["published"], str)


def test_closed_networks_are_internal_and_without_the_host() -> None:
    networks = compose()["networks"]
    for key in ("mcp-main", "mcp-github", "mcp-orchestrator"):
        assert networks[key]["internal"] is True
        assert networks[key]["driver_opts"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert networks["mcp-frontend"]["driver_opts"] == {
        "com.docker.network.bridge.enable_ip_masquerade": "false"
    }
    assert "internal" not in networks["mcp-egress"]
    assert networks["mcp-main"]["ipam"] == {"config": [{"subnet": "10.213.19.0/28"}]}


def test_services_in_closed_networks_ask_no_outside_resolver() -> None:
    for name, service in compose()["services"].items():
        assert service.get("dns") == (None if name == "egress" else ["127.0.0.1"]), name


def test_volumes_are_external_under_fixed_names() -> None:
    volumes = compose()["volumes"]
    assert volumes["main-secrets"] == {"name": "demo-1a2b3c_main-secrets", "external": True}
    assert all(volume["external"] is True for volume in volumes.values())


def test_a_missing_bind_source_is_not_made_as_root() -> None:
    binds = [mount for mount in compose()["services"]["main"]["volumes"] if mount["type"] == "bind"]
    assert [mount["read_only"] for mount in binds] == [True, False]
    assert all(mount["bind"] == {"create_host_path": False} for mount in binds)


@settings(deadline=None, max_examples=50)  # each example renders and reads a whole file
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), TEXTS)
def test_hostile_values_reach_the_container_unchanged(key: str, value: str) -> None:
    blueprint = make_blueprint(EMPTY)
    stack = make_stack(blueprint)
    service = replace(stack.services[0], environment={key: value}, labels={key: value}, command=(value,))
    text = render_compose(replace(stack, services=(service,)), blueprint, TEMPLATES)
    read = parse(text)["services"][service.name]
    assert {name: once.replace("$$", "$") for name, once in read["environment"].items()} == {key: value}
    assert read["labels"][key].replace("$$", "$") == value
    assert read["command"][0].replace("$$", "$") == value
    assert "$" not in read["environment"][key].replace("$$", ""), "Compose would look for a variable"


def test_durations_are_written_in_whole_units() -> None:
    assert (duration(10), duration(0.25), duration(1.5)) == ("10s", "250ms", "1500ms")
