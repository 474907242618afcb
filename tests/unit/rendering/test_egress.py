import pytest

from docgenctl.model.errors import ConfigurationError
from docgenctl.rendering.egress import allowed_host, render_egress
from tests.unit.rendering.blueprints import EMPTY, TEMPLATES, make_blueprint


def rules(settings: dict) -> list[str]:
    return [
        line.removeprefix("http_access ")
        for line in render_egress(make_blueprint(settings), TEMPLATES).splitlines()
        if line.startswith("http_access ")
    ]


def test_without_an_allowlist_everything_is_denied() -> None:
    assert rules(EMPTY) == ["deny all"]
    assert rules({"servers": {"main": {}, "github": {}}}) == ["deny all"]


def test_the_last_rule_denies() -> None:
    assert rules({"servers": {"main": {"egress": {"allow": ["packages.example.com"]}}}})[-1] == "deny all"


def test_a_host_is_open_to_the_server_that_asked_for_it_only() -> None:
    settings = {"servers": {"main": {}, "github": {"egress": {"allow": ["packages.example.com"]}}}}
    assert all(rule.split()[1] in ("from_github", "all") for rule in rules(settings))


def test_addresses_are_looked_up_only_for_names_on_the_list() -> None:
    for rule in rules({"servers": {"main": {"egress": {"allow": ["packages.example.com", "a.example:80"]}}}})[
        :-1
    ]:
        words = rule.split()
        for looked_up in ("never", "private"):
            if looked_up in words:
                assert words.index(looked_up) == len(words) - 1
                assert any(word.startswith("to_main_") for word in words[:-1])


@pytest.mark.parametrize(
    ("entry", "name", "port", "explicit"),
    [
        ("packages.example.com", "packages.example.com", 443, False),
        ("packages.example.com:443", "packages.example.com", 443, True),
        (".example.org", ".example.org", 443, False),
        ("10.0.0.5", "10.0.0.5", 443, True),
        ("10.0.0.5:8443", "10.0.0.5", 8443, True),
    ],
)
def test_an_entry_says_what_it_opens(entry: str, name: str, port: int, explicit: bool) -> None:
    host = allowed_host(entry)
    assert (host.name, host.port, host.explicit) == (name, port, explicit)


def test_private_addresses_need_a_port_or_an_address() -> None:
    bare = rules({"servers": {"main": {"egress": {"allow": ["git.corp.example"]}}}})
    marked = rules({"servers": {"main": {"egress": {"allow": ["git.corp.example:443"]}}}})
    assert any(rule.endswith(" private") for rule in bare)
    assert not any(rule.endswith(" private") for rule in marked)
    assert any(rule.endswith(" never") for rule in marked)


def test_a_port_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        allowed_host("a.example:70000")


def test_the_stack_s_closed_networks_are_never_open_and_its_open_one_is_private() -> None:
    blueprint = make_blueprint()
    text = render_egress(blueprint, TEMPLATES)
    for key, subnet in blueprint.subnets.items():
        closed = f"acl never dst {subnet}\n" in text
        assert closed == (key != "mcp-egress"), key
