"""What the adapter of a server of others is told, and what goes with it in the stack."""

from typing import Any

from docgenctl.images.facts import all_image_facts
from docgenctl.model.blueprint import Origin, Server, origin_name
from docgenctl.model.settings import Settings
from docgenctl.planning.resolve_servers import resolve_servers
from tests.unit.rendering.blueprints import FACTS as OURS

FACTS = OURS | {"adapter": all_image_facts()["adapter"]}
PROGRAM: dict[str, Any] = {
    "stdio": "mcp-server-time --local-timezone 'Etc/GMT +1'",
    "packages": ["pypi:mcp-server-time==1"],
}


def resolved(**entry: Any) -> Server:
    servers = resolve_servers(Settings.model_validate({"servers": {"mine": entry}}), FACTS)
    return {server.name: server for server in servers}["mine"]


def test_a_program_is_told_its_words_and_variables_and_has_its_packages() -> None:
    server = resolved(**PROGRAM, environment={"A": "b"}, secrets={"TOKEN": "my-api-key"})
    assert server.options == {
        "command": ["mcp-server-time", "--local-timezone", "Etc/GMT +1"],
        "environment": {"A": "b"},
        "secrets": {"TOKEN": "my-api-key"},
    }
    assert [str(package) for package in server.packages] == ["pypi:mcp-server-time==1"]
    assert (server.origin, server.public_host, server.egress_hosts) == (None, "", ())
    assert server.facts.title == "mine"
    assert "mcp-server-time" in server.facts.description


def test_an_address_is_reached_outside_and_is_no_entry_of_the_allowlist() -> None:
    server = resolved(url="https://mcp.example.com./mcp", key_secret="my-api-key", ca_file="ca.pem")
    assert server.options == {
        "url": "https://mcp.example.com./mcp",
        "key_secret": "my-api-key",
        "outside": True,
    }
    assert (server.public_host, server.egress_hosts) == ("mcp.example.com:443", ())
    assert server.ca_file == "ca.pem"
    assert resolved(url="https://mcp.example.com:8443/x").public_host == "mcp.example.com:8443"


def test_an_image_stands_beside_its_adapter_and_keeps_its_variables() -> None:
    server = resolved(image="ghcr.io/o/n:1", container_port=9100, path="/x", environment={"MODE": "quiet"})
    assert server.origin == Origin(
        reference="ghcr.io/o/n:1", port=9100, path="/x", environment={"MODE": "quiet"}
    )
    assert server.options == {"url": f"http://{origin_name('mine')}:9100/x", "outside": False}
    usual = resolved(image="ghcr.io/o/n:1")
    assert usual.options["url"] == f"http://{origin_name('mine')}:8000/mcp"


def test_secrets_are_wanted_once_each_by_the_variable_of_their_name() -> None:
    server = resolved(**PROGRAM, secrets={"A": "wiki-api-key", "B": "wiki-api-key", "C": "other-api-key"})
    assert [(secret.name, secret.environment) for secret in server.secrets] == [
        ("other-api-key", "OTHER_API_KEY"),
        ("wiki-api-key", "WIKI_API_KEY"),
    ]
    (key,) = resolved(url="https://mcp.example.com/mcp", key_secret="wiki-api-key").secrets
    assert key.name == "wiki-api-key"


def test_a_server_of_ours_is_told_nothing_of_this() -> None:
    server = resolved(image="main")
    assert not {"command", "url", "outside", "environment"} & set(server.options)
    assert (server.origin, server.packages, server.public_host) == (None, (), "")


def test_data_is_a_wish_and_no_server_of_others_has_a_port_of_its_own() -> None:
    assert [resolved(**PROGRAM, data=data).data for data in (True, False)] == [True, False]
    assert (resolved(**PROGRAM).gateway_port, resolved(**PROGRAM).gateway_health_port) == (None, None)
