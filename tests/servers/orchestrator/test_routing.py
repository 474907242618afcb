"""``routing.yaml``, read strictly."""

import json
from typing import Any

import pytest
from docgen_common.errors import SettingsError
from docgen_common.rates import Rate
from docgen_orchestrator.routing import parse_routing
from docgen_orchestrator.shared_limits.place import StorePlace


def document(server: dict[str, Any] | None = None, **top: Any) -> str:
    entry = {"url": "http://main:8000/mcp", **(server or {})}
    return json.dumps({"version": 1, "servers": {"main": entry}, **top})


LIMITS: dict[str, Any] = {"host": "valkey", "port": 6379, "key_secret": "limits-store"}


def test_where_rates_are_counted_together_is_read() -> None:
    assert parse_routing(document().encode()).limits is None
    assert parse_routing(document(limits=LIMITS).encode()).limits == StorePlace(**LIMITS)


def test_what_is_not_said_is_not_restricted() -> None:
    (route,) = parse_routing(document().encode()).servers
    assert route.tools.shown_name("anything at all") == "anything at all"
    assert route.tools.changes == "report"


def test_a_policy_and_an_endpoint_are_read() -> None:
    tools = {
        "allow": ["docs_*"],
        "deny": ["docs_x"],
        "rename": {"docs_a": "a"},
        "timeout_s": {"docs_a": 90},
        "rate": {"docs_a": "10/m"},
        "changes": "hold",
    }
    routing = parse_routing(
        document({"tools": tools}, endpoints={"review": {"servers": ["main"], "tools": ["a"]}}).encode()
    )
    policy = routing.servers[0].tools
    assert [policy.shown_name(name) for name in ("docs_a", "docs_x", "docs_y", "b")] == [
        "a",
        None,
        "docs_y",
        None,
    ]
    assert (policy.timeout_s("docs_a"), policy.rate("docs_a"), policy.changes) == (
        90.0,
        Rate(10, 60, 10),
        "hold",
    )
    (review,) = routing.endpoints
    assert (review.name, review.servers) == ("review", {"main"})
    assert (review.tools.match("a"), review.tools.match("b"), review.prompts.match("a")) == (
        True,
        False,
        False,
    )


def test_policies_of_resources_and_prompts_are_read() -> None:
    entry = {"resources": {"deny": ["docs://drafts/*"]}, "prompts": {"allow": ["docs_*"], "deny": ["docs_x"]}}
    (route,) = parse_routing(document(entry).encode()).servers
    assert [route.resources.passes(uri) for uri in ("docs://drafts/a", "docs://a")] == [False, True]
    assert [route.prompts.passes(name) for name in ("docs_a", "docs_x", "other")] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "routing.yaml is not YAML"),
        ("version: 2", "routing.yaml: version must be 1"),
        (document(more=1), "routing.yaml: unknown more"),
        (document(limits=[]), "routing.yaml: limits: must be a map"),
        (document(limits={**LIMITS, "port": "6379"}), "routing.yaml: limits/port: must be a number from 1"),
        (document(limits={**LIMITS, "host": ""}), "routing.yaml: limits/host: must be text"),
        (document(limits={**LIMITS, "password": "x"}), "routing.yaml: limits: unknown password"),
        (json.dumps({"version": 1, "servers": {}}), "routing.yaml: servers must name at least one server"),
        (document({"tool": 1}), "routing.yaml: servers/main: unknown tool"),
        (document({"prompts": {"rename": {}}}), "routing.yaml: servers/main/prompts: unknown rename"),
        (document({"tools": []}), "routing.yaml: servers/main/tools: must be a map"),
        (document({"tools": {"allow": "docs_*"}}), "routing.yaml: servers/main/tools/allow: must be a list"),
        (document({"tools": {"allow": ["a[b]"]}}), "routing.yaml: servers/main/tools/allow: 'a[b]' is not a"),
        (
            document({"tools": {"rename": {"a": "b c"}}}),
            "main/tools/rename: 'b c' is not a tool name",
        ),
        (
            document({"tools": {"rename": {"a": "c", "b": "c"}}}),
            "routing.yaml: servers/main/tools/rename: 'c' is given twice",
        ),
        (
            document({"tools": {"rename": {"a_*": "b_"}}}),
            "main/tools/rename: 'a_*' and 'b_': both end with *",
        ),
        (document({"tools": {"rename": {"a": "b_*"}}}), "main/tools/rename: 'a' and 'b_*': both end with *"),
        (document({"tools": {"timeout_s": {"a": 0}}}), "servers/main/tools/timeout_s/a: must be seconds"),
        (document({"tools": {"rate": {"a": 5}}}), "routing.yaml: servers/main/tools/rate/a: must be text"),
        (document({"tools": {"rate": {"a": "5"}}}), "tools/rate/a: '5' is not a rate; write 10/s"),
        (document({"tools": {"changes": "no"}}), "tools/changes: must be one of report, hold"),
        (document(endpoints={"main": {}}), "routing.yaml: endpoints/main: a server has this name"),
        (document(endpoints={"A": {}}), "routing.yaml: endpoints/A: not an endpoint's name"),
        (document(endpoints={"a": {"tool": []}}), "routing.yaml: endpoints/a: unknown tool"),
        (
            document(endpoints={"a": {"servers": ["x"]}}),
            "routing.yaml: endpoints/a/servers: there is no server x",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_path_of_its_key(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_routing(text.encode())
    assert message in str(caught.value)
