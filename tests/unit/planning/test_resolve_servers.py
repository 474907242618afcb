from typing import Any

from docgenctl.model.blueprint import Server
from docgenctl.model.settings import Settings
from docgenctl.model.stack import Limits
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from tests.unit.rendering.blueprints import FACTS


def resolved(**settings: Any) -> dict[str, Server]:
    return {server.name: server for server in resolve_servers(Settings.model_validate(settings), FACTS)}


def test_main_and_github_are_the_servers_unless_said_otherwise() -> None:
    assert list(resolved()) == ["github", "main"]


def test_a_server_that_is_switched_off_is_not_there() -> None:
    assert list(resolved(servers={"main": {}, "github": {"enabled": False}})) == ["main"]


def test_limits_of_a_server_win_one_by_one_over_the_general_ones() -> None:
    servers = resolved(limits={"cpus": 2, "pids": 99}, servers={"main": {"limits": {"memory": "64m"}}})
    assert servers["main"].limits == Limits(cpus=2, memory_bytes=64 * 2**20, pids=99)


def test_options_are_the_image_s_defaults_with_what_people_wrote_on_top() -> None:
    servers = resolved(servers={"github": {"options": {"repositories": ["octo/*"]}}})
    assert servers["github"].options == {"api_url": "https://api.github.com", "repositories": ["octo/*"]}


def test_a_feature_that_is_not_configured_opens_no_host() -> None:
    assert resolved()["github"].egress_hosts == ()


def test_a_configured_feature_opens_exactly_the_host_it_needs() -> None:
    def hosts(**options: Any) -> tuple[str, ...]:
        options = {"repositories": ["octo/*"]} | options
        return resolved(servers={"github": {"options": options}})["github"].egress_hosts

    assert hosts() == ("api.github.com",)
    assert hosts(api_url="https://git.example.com/api/v3") == ("git.example.com",)
    assert hosts(api_url="https://git.example.com:8443/api/v3") == ("git.example.com:8443",)
    assert hosts(api_url="http://git.example.com") == ("git.example.com:80",)


def test_the_allowlist_is_opened_besides_what_a_feature_needs() -> None:
    entry = {"options": {"repositories": ["octo/*"]}, "egress": {"allow": ["b.example", "a.example"]}}
    assert resolved(servers={"github": entry})["github"].egress_hosts == (
        "a.example",
        "api.github.com",
        "b.example",
    )


def test_the_gateway_s_own_ports_do_not_move_with_the_host_s() -> None:
    servers = resolved(servers={"main": {"port": 4567, "health_port": 4568}, "github": {}})
    assert (servers["main"].gateway_port, servers["main"].gateway_health_port) == (3200, 8800)
    assert (servers["github"].gateway_port, servers["github"].gateway_health_port) == (3000, None)


def test_two_servers_of_one_image_get_different_ports_in_the_gateway() -> None:
    servers = resolved(servers={"docs": {"image": "main"}, "main": {}})
    inside = {name: (server.gateway_port, server.gateway_health_port) for name, server in servers.items()}
    assert inside == {"docs": (3200, 8800), "main": (3201, 8801)}


def test_ports_are_wanted_by_the_orchestrator_and_by_servers_that_have_some() -> None:
    settings = Settings.model_validate(
        {"ports": {"orchestrator": 9000}, "servers": {"main": {"port": "4000-4010"}, "github": {}}}
    )
    wanted = wanted_ports(settings, resolve_servers(settings, FACTS))
    assert {purpose: str(range_) for purpose, range_ in wanted.items()} == {
        "orchestrator": "9000",
        "main": "4000-4010",
        "main_health": "8800-8900",
        "github": "3000-3100",
    }


def test_two_entries_of_one_image_read_their_secrets_from_variables_of_their_own() -> None:
    hub = {"image": "github", "secrets": {"GITHUB_TOKEN": "hub-api-key"}}
    servers = resolved(servers={"github": {}, "hub": hub})
    told = {name: [(one.name, one.environment) for one in server.secrets] for name, server in servers.items()}
    assert told == {
        "github": [("github-token", "GITHUB_TOKEN")],
        "hub": [("github-token", "HUB_API_KEY")],
    }
