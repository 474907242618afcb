"""What the engine is asked for, from the model."""

from dataclasses import replace

from docgenctl.engine.container_spec import create_body, network_body
from docgenctl.engine.labels import ConfigHashes, ask_compose, container_labels, find_plugin, network_labels
from docgenctl.model.stack import (
    Attachment,
    BindMount,
    HealthCheck,
    Limits,
    Network,
    PortBinding,
    Service,
    Stack,
    TmpfsMount,
    Volume,
    VolumeMount,
    VolumePurpose,
)

SERVICE = Service(
    name="main",
    container_name="app-main-1",
    image="app/main:1",
    image_id="sha256:1",
    user="10001:10001",
    networks=(Attachment(network="mcp-main", aliases=("main",)), Attachment(network="second")),
    limits=Limits(cpus=0.5, memory_bytes=1 << 20, pids=64),
    health_check=HealthCheck(command=("true",), interval_s=0.25, timeout_s=5, retries=3, start_period_s=30),
    environment={"B": "2", "A": "1"},
    ports=(PortBinding(purpose="main", host_ip="127.0.0.1", host_port=3200, container_port=8000),),
    binds=(BindMount(source="/src", target="/workspace", read_only=True),),
    volumes=(VolumeMount(volume="config", target="/etc/config", read_only=True),),
    tmpfs=(TmpfsMount(target="/tmp", size_bytes=1024),),
    dns=("127.0.0.1",),
)
STACK = Stack(
    project="app",
    project_id="0123456789abcdef",
    workspace="/src",
    compose_file="/src/docker-compose.mcp.yml",
    services=(SERVICE,),
    networks=(
        Network(key="mcp-main", name="app_mcp-main", subnet="10.0.0.0/28", closed=True),
        Network(key="second", name="app_second", subnet="10.0.0.16/28", closed=False),
    ),
    volumes=(Volume(key="config", name="app_config", purpose=VolumePurpose.CONFIG, owner="10001:10001"),),
)


def test_a_container_is_created_on_its_first_network_with_all_its_names() -> None:
    body = create_body(SERVICE, STACK, {}, SERVICE.image)
    assert body["HostConfig"]["NetworkMode"] == "app_mcp-main"
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "app_mcp-main": {"Aliases": ["main", "app-main-1"]}
    }


def test_nothing_that_hardens_depends_on_the_service() -> None:
    host = create_body(SERVICE, STACK, {}, SERVICE.image)["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] == host["MemorySwap"] == 1 << 20
    assert host["NanoCpus"] == 500_000_000
    assert host["Tmpfs"] == {"/tmp": "rw,noexec,nosuid,nodev,size=1024,mode=1777"}


def test_mounts_are_by_type_so_that_a_missing_bind_is_refused() -> None:
    host = create_body(SERVICE, STACK, {}, SERVICE.image)["HostConfig"]
    assert "Binds" not in host
    assert [(mount["Type"], mount["Source"], mount["ReadOnly"]) for mount in host["Mounts"]] == [
        ("bind", "/src", True),
        ("volume", "app_config", True),
    ]


def test_ports_are_never_published_on_all_addresses_by_default() -> None:
    host = create_body(SERVICE, STACK, {}, SERVICE.image)["HostConfig"]
    assert host["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "3200"}]}


def test_times_are_nanoseconds_and_the_environment_is_sorted() -> None:
    body = create_body(SERVICE, STACK, {}, SERVICE.image)
    assert body["Healthcheck"]["Interval"] == 250_000_000
    assert body["Env"] == ["A=1", "B=2"]
    assert body["StopTimeout"] == 12
    assert "Cmd" not in body


def test_compose_finds_its_minimum_of_labels() -> None:
    labels = container_labels(SERVICE, STACK, "hash")
    prefix = "com.docker.compose."
    assert {key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)} == {
        "project": "app",
        "service": "main",
        "config-hash": "hash",
        "container-number": "1",
        "depends_on": "",
        "image": "sha256:1",
        "oneoff": "False",
        "project.config_files": "/src/docker-compose.mcp.yml",
        "project.working_dir": "/src",
        "version": "2",
    }


def test_dependencies_are_labelled_as_compose_writes_them_so_that_it_stops_in_order() -> None:
    leaning = replace(SERVICE, depends_on=("github", "main"))
    label = container_labels(leaning, STACK, "hash")["com.docker.compose.depends_on"]
    assert label == "github:service_started:false,main:service_started:false"


def test_labels_of_a_service_cannot_pose_as_another_project() -> None:
    posing = replace(SERVICE, labels={"com.docker.compose.project": "other"})
    assert container_labels(posing, STACK, "hash")["com.docker.compose.project"] == "app"


def test_a_closed_network_is_internal_and_without_an_address_of_the_bridge() -> None:
    network = STACK.networks[0]
    body = network_body(network, network_labels(network, STACK))
    assert body["Internal"] is True
    assert body["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert body["IPAM"]["Config"] == [{"Subnet": "10.0.0.0/28"}]
    assert body["Labels"]["com.docker.compose.network"] == "mcp-main"


# -- Compose's hash ------------------------------------------------------------------------------
def _plugin(folder, script: str) -> dict[str, str]:
    plugin = folder / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir()
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    plugin.chmod(0o755)
    return {"DOCKER_CONFIG": str(folder), "PATH": "/usr/bin:/bin"}


def _stack_in(folder) -> Stack:
    file = folder / "docker-compose.mcp.yml"
    file.write_text("services: {}")
    return replace(STACK, workspace=str(folder), compose_file=str(file))


def test_composes_own_hash_is_asked_for_once_per_stack(tmp_path) -> None:
    asked = tmp_path / "asked"
    environ = _plugin(tmp_path, f'echo "$@" "$COMPOSE_FILE" >> {asked}; echo "main abc"')
    stack, hashes = _stack_in(tmp_path), ConfigHashes(environ | {"COMPOSE_FILE": "/hostile"})
    assert [hashes.of(SERVICE, stack) for _ in range(3)] == ["abc"] * 3
    (call,) = asked.read_text().splitlines()
    assert call.strip() == f"--project-name app --file {stack.compose_file} config --hash *"


def test_without_a_working_plugin_the_services_digest_stands_in(tmp_path) -> None:
    environ = _plugin(tmp_path, "exit 1")
    assert ask_compose(_stack_in(tmp_path), environ) == {}
    assert ConfigHashes({"PATH": ""}).of(SERVICE, STACK) == SERVICE.digest


def test_a_docker_compose_that_only_stands_in_the_path_is_not_run(tmp_path) -> None:
    environ = _plugin(tmp_path, "echo main abc")
    assert find_plugin({"PATH": f"{tmp_path}/cli-plugins"}) != tmp_path / "cli-plugins" / "docker-compose"
    assert find_plugin(environ) == tmp_path / "cli-plugins" / "docker-compose"
