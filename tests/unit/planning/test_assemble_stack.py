"""Who sits where and may do what, fact by fact."""

from dataclasses import replace
from typing import Any

import pytest

from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import LABEL_CONTENT_DIGEST, LABEL_PROJECT_ID, Limits, Stack, VolumePurpose
from docgenctl.planning.assemble_stack import ImageChoice, assemble_stack, network_keys, service_names
from tests.unit.rendering.blueprints import make_blueprint, make_stack

PLAIN: dict[str, Any] = {"project": "demo-1a2b3c"}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return make_stack(make_blueprint(PLAIN))


def drawn(blueprint: Blueprint, versions: dict[str, str] | None = None, image: str = "one") -> Stack:
    images = {name: ImageChoice(reference=f"{name}:{image}") for name in service_names(blueprint)}
    return assemble_stack(blueprint, images, versions or {})


def changed(before: Stack, after: Stack) -> set[str]:
    """Names of the services whose containers would be recreated."""
    return {
        name
        for name in {*before.service_names, *after.service_names}
        if name not in before.service_names
        or name not in after.service_names
        or before.service(name).digest != after.service(name).digest
    }


def test_services_come_after_those_they_depend_on(stack: Stack) -> None:
    assert stack.service_names == ("github", "main", "egress", "orchestrator", "gateway")
    seen: set[str] = set()
    for service in stack.services:
        assert set(service.depends_on) <= seen
        seen.add(service.name)


def test_everybody_sits_on_exactly_these_networks(stack: Stack) -> None:
    assert {s.name: [place.network for place in s.networks] for s in stack.services} == {
        "github": ["mcp-github"],
        "main": ["mcp-main"],
        "egress": ["mcp-egress", "mcp-github", "mcp-main"],
        "orchestrator": ["mcp-github", "mcp-main", "mcp-orchestrator"],
        "gateway": ["mcp-frontend", "mcp-orchestrator"],
    }


def test_no_server_shares_a_network_with_another_server_or_the_gateway(stack: Stack) -> None:
    for network in stack.networks:
        members = {s.name for s in stack.services if network.key in {p.network for p in s.networks}}
        assert len(members & {"main", "github", "gateway"}) <= 1


def test_everybody_answers_to_its_own_name_on_its_networks(stack: Stack) -> None:
    for service in stack.services:
        assert all(place.aliases == (service.name,) for place in service.networks)


def test_all_networks_but_frontend_and_egress_are_closed(stack: Stack) -> None:
    assert {n.key: (n.closed, n.masquerade) for n in stack.networks} == {
        "mcp-frontend": (False, False),
        "mcp-orchestrator": (True, True),
        "mcp-github": (True, True),
        "mcp-main": (True, True),
        "mcp-egress": (False, True),
    }


def test_closed_networks_keep_the_bridge_without_an_address(stack: Stack) -> None:
    for network in stack.networks:
        inhibited = network.driver_options.get("com.docker.network.bridge.inhibit_ipv4")
        assert inhibited == ("true" if network.closed else None)
    frontend = stack.network("mcp-frontend").driver_options
    assert frontend == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_only_the_egress_proxy_may_look_outside_names_up(stack: Stack) -> None:
    assert {s.name: s.dns for s in stack.services} == {
        "github": ("127.0.0.1",),
        "main": ("127.0.0.1",),
        "orchestrator": ("127.0.0.1",),
        "gateway": ("127.0.0.1",),
        "egress": (),
    }


def test_only_the_gateway_publishes_and_only_on_the_loopback_address(stack: Stack) -> None:
    published = {
        s.name: [(p.purpose, p.host_ip, p.host_port, p.container_port) for p in s.ports]
        for s in stack.services
        if s.ports
    }
    assert published == {
        "gateway": [
            ("orchestrator", "127.0.0.1", 8080, 8080),
            ("github", "127.0.0.1", 3000, 3000),
            ("main", "127.0.0.1", 3200, 3200),
            ("main_health", "127.0.0.1", 8800, 8800),
        ]
    }


def test_ports_are_published_on_the_configured_address() -> None:
    stack = make_stack(make_blueprint(PLAIN | {"ports": {"bind": "0.0.0.0"}}))
    assert {port.host_ip for port in stack.service("gateway").ports} == {"0.0.0.0"}


def test_only_main_mounts_the_workspace_read_only_but_for_the_output_folder(stack: Stack) -> None:
    binds = {s.name: [(b.source, b.target, b.read_only) for b in s.binds] for s in stack.services if s.binds}
    assert binds == {
        "main": [
            ("/home/user/demo", "/workspace", True),
            ("/home/user/demo/docs/generated", "/workspace/docs/generated", False),
        ]
    }


@pytest.mark.parametrize("workspace", [{"writable": True}, {"output": "."}])
def test_the_whole_workspace_is_writable_only_on_request(workspace: dict[str, Any]) -> None:
    main = make_stack(make_blueprint(PLAIN | {"workspace": workspace})).service("main")
    assert [(b.target, b.read_only) for b in main.binds] == [("/workspace", False)]


def test_everybody_mounts_only_volumes_of_its_own(stack: Stack) -> None:
    mounts = {s.name: [(m.volume, m.target, m.read_only) for m in s.volumes] for s in stack.services}
    config, secrets = "/etc/docgen/config", "/run/secrets"
    assert mounts == {
        "github": [
            ("github-config", config, True),
            ("github-secrets", secrets, True),
            ("github-scratch", "/var/tmp/docgen", False),
        ],
        "main": [
            ("main-config", config, True),
            ("main-secrets", secrets, True),
            ("main-scratch", "/var/tmp/docgen", False),
            ("main-data", "/var/lib/docgen", False),
        ],
        "egress": [("egress-config", config, True)],
        "orchestrator": [("orchestrator-config", config, True), ("orchestrator-secrets", secrets, True)],
        "gateway": [("gateway-config", config, True), ("gateway-secrets", secrets, True)],
    }
    assert {volume.key for volume in stack.volumes} == {key for m in mounts.values() for key, *_ in m}


def test_volumes_belong_to_the_user_of_the_service_that_mounts_them(stack: Stack) -> None:
    for service in stack.services:
        for mount in service.volumes:
            assert stack.volume(mount.volume).owner == service.user


def test_nobody_is_root_and_only_main_writes_as_the_workspace_s_owner(stack: Stack) -> None:
    assert {s.name: s.user for s in stack.services} == {
        "github": "10001:10001",
        "main": "1000:1000",
        "egress": "10001:10001",
        "orchestrator": "10001:10001",
        "gateway": "10001:10001",
    }


def test_everybody_is_limited_checked_restarted_and_has_a_small_tmp(stack: Stack) -> None:
    for service in stack.services:
        assert service.limits == Limits(cpus=1.0, memory_bytes=512 * 2**20, pids=256)
        assert service.health_check.command
        assert service.restart == "unless-stopped"
        assert [(t.target, t.size_bytes) for t in service.tmpfs] == [("/tmp", 64 * 2**20)]
        assert service.log_rotation.max_files * service.log_rotation.max_size_bytes <= 32 * 2**20
        assert service.stop_grace_s == (5 if service.name == "gateway" else 12)


def test_environments_carry_no_secret_and_only_servers_know_the_proxy(stack: Stack) -> None:
    proxies = {s.name: s.environment.get("DOCGEN_EGRESS_PROXY") for s in stack.services}
    assert proxies == {
        "github": "http://egress:3128",
        "main": "http://egress:3128",
        "egress": None,
        "orchestrator": None,
        "gateway": None,
    }
    names = {name for s in stack.services for name in s.environment}
    assert not any(word in name for name in names for word in ("KEY", "TOKEN", "PASSWORD"))


def test_every_name_of_the_engine_carries_the_project(stack: Stack) -> None:
    assert stack.service("main").container_name == "demo-1a2b3c-main-1"
    assert stack.network("mcp-main").name == "demo-1a2b3c_mcp-main"
    assert stack.volume("main-data").name == "demo-1a2b3c_main-data"
    for labels in [x.labels for x in (*stack.services, *stack.networks, *stack.volumes)]:
        assert labels[LABEL_PROJECT_ID] == "0123456789abcdef"


def test_only_data_outlives_down(stack: Stack) -> None:
    assert [v.key for v in stack.volumes if v.purpose.kept_by_down] == ["main-data"]


def test_network_keys_are_known_before_the_stack_is_drawn(stack: Stack) -> None:
    assert network_keys(("github", "main")) == tuple(network.key for network in stack.networks)


# -- what makes a container be recreated -------------------------------------------------------------
def test_drawing_twice_gives_the_same_digests() -> None:
    one, other = drawn(make_blueprint(PLAIN)), drawn(make_blueprint(PLAIN))
    assert changed(one, other) == set()
    assert [n.digest for n in one.networks] == [n.digest for n in other.networks]


def test_the_engine_s_image_id_is_not_part_of_the_digest() -> None:
    before = drawn(make_blueprint(PLAIN))
    after = replace(before, services=tuple(replace(s, image_id="sha256:1") for s in before.services))
    assert changed(before, after) == set()


@pytest.mark.parametrize(
    ("settings", "recreated"),
    [
        ({"servers": {"main": {"limits": {"memory": "600m"}}, "github": {}}}, {"main"}),
        ({"limits": {"pids": 300}}, {"main", "github", "egress", "orchestrator", "gateway"}),
        ({"log_level": "debug"}, {"main", "github", "orchestrator"}),
        ({"workspace": {"output": "out"}}, {"main"}),
        ({"servers": {"main": {}}}, {"github", "gateway"}),
        ({"ports": {"bind": "0.0.0.0"}}, {"gateway"}),
        ({"gateway": {"max_body": "1m"}}, {"main", "github", "orchestrator"}),
    ],
)
def test_a_changed_setting_changes_the_services_it_concerns_alone(
    settings: dict[str, Any], recreated: set[str]
) -> None:
    assert changed(drawn(make_blueprint(PLAIN)), drawn(make_blueprint(PLAIN | settings))) == recreated


def test_another_host_port_changes_the_gateway_alone() -> None:
    blueprint = make_blueprint(PLAIN)
    moved = replace(blueprint, ports={**blueprint.ports, "main": 3299})
    assert changed(drawn(blueprint), drawn(moved)) == {"gateway"}


def test_another_subnet_changes_the_network_and_no_service() -> None:
    blueprint = make_blueprint(PLAIN)
    moved = replace(blueprint, subnets={**blueprint.subnets, "mcp-main": "10.99.0.0/28"})
    one, other = drawn(blueprint), drawn(moved)
    assert changed(one, other) == set()
    differing = [a.key for a, b in zip(one.networks, other.networks, strict=True) if a.digest != b.digest]
    assert differing == ["mcp-main"]


def test_other_contents_change_the_service_alone_that_reads_them_and_cannot_reload() -> None:
    blueprint = make_blueprint(PLAIN)
    versions = {
        f"{name}-{purpose}": "a" * 64 for name in service_names(blueprint) for purpose in VolumePurpose
    }
    before = drawn(blueprint, versions)
    assert before.service("gateway").labels[LABEL_CONTENT_DIGEST] == f"{'a' * 16}.{'a' * 16}"
    assert changed(before, drawn(blueprint, versions | {"main-secrets": "b" * 64})) == {"main"}
    for key in ("gateway-secrets", "gateway-config", "egress-config"):
        assert changed(before, drawn(blueprint, versions | {key: "b" * 64})) == set()


def test_another_owner_of_the_workspace_changes_main_alone() -> None:
    blueprint = make_blueprint(PLAIN)
    assert changed(drawn(blueprint), drawn(replace(blueprint, owner="1001:1001"))) == {"main"}


def test_other_images_change_everybody() -> None:
    blueprint = make_blueprint(PLAIN)
    assert changed(drawn(blueprint), drawn(blueprint, image="two")) == set(service_names(blueprint))


def test_where_orchestrators_count_together_nobody_else_is() -> None:
    stack = drawn(make_blueprint(PLAIN | {"orchestrator": {"replicas": 2}}))
    assert stack.service_names == ("github", "main", "egress", "valkey", "orchestrator", "gateway")
    members = [s.name for s in stack.services if any(p.network == "mcp-valkey" for p in s.networks)]
    assert members == ["valkey", "orchestrator"]
    assert stack.network("mcp-valkey").closed
    store = stack.service("valkey")
    assert (store.user, store.ports, store.environment, store.binds) == ("10001:10001", (), {}, ())
    assert [(mount.volume, mount.read_only) for mount in store.volumes] == [
        ("valkey-config", True),
        ("valkey-secrets", True),
        ("valkey-scratch", False),
    ]
    assert "valkey" in stack.service("orchestrator").depends_on


def test_an_orchestrator_stays_the_same_when_counting_together_begins() -> None:
    alone, together = make_blueprint(PLAIN), make_blueprint(PLAIN | {"orchestrator": {"replicas": 2}})
    assert drawn(alone).service("orchestrator").digest == drawn(together).service("orchestrator").digest
