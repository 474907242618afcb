import json
import re

import pytest

from docgenctl.rendering.configuration_files import render_service_files
from docgenctl.rendering.gateway import frontends, hosts_pattern, known_hosts, render_gateway
from tests.unit.rendering.blueprints import EMPTY, FULL, TEMPLATES, make_blueprint


def test_every_door_leads_through_the_orchestrator() -> None:
    doors = {
        frontend.port: {r.path: r.target for r in frontend.routes} for frontend in frontends(make_blueprint())
    }
    assert doors == {
        8080: {
            "/mcp": "/mcp",
            "/mcp/github": "/mcp/github",
            "/mcp/main": "/mcp/main",
            "/mcp/review": "/mcp/review",
            "/events": "/events",
            "/routes": "/routes",
            "/health": "/health",
            "/health/ready": "/health/ready",
            "/health/ready/github": "/health/ready/github",
            "/health/ready/main": "/health/ready/main",
        },
        3000: {
            "/mcp": "/mcp/github",
            "/health": "/health/ready/github",
            "/health/ready": "/health/ready/github",
        },
        3200: {"/mcp": "/mcp/main", "/health": "/health/ready/main", "/health/ready": "/health/ready/main"},
        8800: {"/health": "/health/ready/main", "/health/ready": "/health/ready/main"},
    }


@pytest.mark.parametrize("sessions", [False, True])
def test_endpoints_take_other_methods_than_post_only_where_there_are_sessions(sessions: bool) -> None:
    blueprint = make_blueprint(FULL | {"orchestrator": {"legacy_sessions": sessions}})
    endpoints = [
        route
        for frontend in frontends(blueprint)
        for route in frontend.routes
        if route.target.startswith("/mcp")
    ]
    assert len(endpoints) == 6
    assert {route.post_only for route in endpoints} == {not sessions}
    assert ("!{ method POST }" in render_gateway(blueprint, TEMPLATES)) == (not sessions)
    told = json.loads(render_service_files(blueprint, TEMPLATES)["orchestrator"]["server.json"])["options"]
    assert told == ({"legacy_sessions": True} if sessions else {})


def test_without_servers_one_door_remains() -> None:
    assert [frontend.port for frontend in frontends(make_blueprint(EMPTY))] == [8080]


@pytest.mark.parametrize(
    ("bind", "hostnames", "known"),
    [
        ("127.0.0.1", ["localhost"], ("localhost", "127.0.0.1", "[::1]")),
        ("192.0.2.1", ["a.example"], ("localhost", "127.0.0.1", "[::1]", "192.0.2.1", "a.example")),
        ("2001:db8::1", [], ("localhost", "127.0.0.1", "[::1]", "[2001:db8::1]")),
        ("127.0.0.1", ["2001:db8::5"], ("localhost", "127.0.0.1", "[::1]", "[2001:db8::5]")),
        ("0.0.0.0", [], ("localhost", "127.0.0.1", "[::1]")),
    ],
)
def test_the_gateway_answers_to_its_own_names(bind: str, hostnames: list, known: tuple) -> None:
    blueprint = make_blueprint(EMPTY | {"ports": {"bind": bind}, "gateway": {"hostnames": hostnames}})
    assert known_hosts(blueprint) == known


def test_a_dot_in_a_host_name_stands_for_itself() -> None:
    pattern = f"^({hosts_pattern(('docs.example.com', '[2001:db8::5]'))})$"
    assert re.match(pattern, "docs.example.com")
    assert re.match(pattern, "[2001:db8::5]")
    for stranger in ("docsxexample.com", "a.docs.example.com", "docs.example.com.evil", "2", "[2]"):
        assert not re.match(pattern, stranger), stranger


@pytest.mark.parametrize(
    ("limits", "connections", "threads"),
    [({}, 2000, 1), ({"memory": "64m", "cpus": 0.5}, 512, 1), ({"memory": "16m", "cpus": 2.5}, 128, 3)],
)
def test_connections_and_threads_fit_the_container(limits: dict, connections: int, threads: int) -> None:
    text = render_gateway(make_blueprint(EMPTY | {"limits": limits}), TEMPLATES)
    assert f"    maxconn {connections}\n" in text
    assert f"    nbthread {threads}\n" in text


def test_a_call_is_never_sent_twice() -> None:
    text = render_gateway(make_blueprint(), TEMPLATES)
    assert re.findall(r"retry-on (.*)", text) == ["conn-failure"]
    assert "disable-l7-retry if { method POST }" in text


def test_no_header_of_the_caller_is_logged() -> None:
    lines = [
        line for line in render_gateway(make_blueprint(), TEMPLATES).splitlines() if "log-format" in line
    ]
    assert lines
    assert not any("hdr" in line or "%hr" in line or "%HU" in line or "%r" in line for line in lines)
