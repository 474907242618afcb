"""Which of a server's tools callers see, and how the catalog knows them."""

from dataclasses import dataclass
from typing import Any

import pytest
from docgen_common.rates import Rate
from docgen_orchestrator.catalog import AmbiguousError, NotOfferedError, catalog_of
from docgen_orchestrator.globs import EVERYTHING, UNFILTERED, Filter, Globs
from docgen_orchestrator.offer import Item, Offer
from docgen_orchestrator.routing import Route
from docgen_orchestrator.shaped import shaped, unmatched, unmatched_parts
from docgen_orchestrator.tool_policy import UNRESTRICTED, ToolPolicy


def route(name: str, policy: ToolPolicy = UNRESTRICTED, *prefixes: str, **more: Any) -> Route:
    return Route(name, f"http://{name}:8000/mcp", "", "key", prefixes, (name,), 5.0, tools=policy, **more)


@dataclass
class Server:
    route: Route
    offer: Offer | None


def tool(name: str, **more: Any) -> Item:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


def server(name: str, *tools: str, **policy: Any) -> Server:
    told = Offer(tools={each: tool(each) for each in tools})
    rules = route(name, ToolPolicy(**policy), f"{name}_")
    return Server(rules, shaped(told, rules))


def test_a_pattern_matches_whole_names_and_only_star_and_question_mark_are_special() -> None:
    globs = Globs(("docs_*", "a?c", "x.y"))
    assert [
        name for name in ("docs_", "docs_a", "xdocs_a", "abc", "ac", "x.y", "xzy") if globs.match(name)
    ] == [
        "docs_",
        "docs_a",
        "abc",
        "x.y",
    ]
    assert not Globs(()).match("")


def test_a_pattern_of_many_stars_does_not_take_time() -> None:
    assert not Globs(("*a" * 30 + "b",)).match("a" * 20_000)


def test_deny_wins_over_allow() -> None:
    policy = ToolPolicy(allow=Globs(("files_*",)), deny=Globs(("files_write",)))
    assert [policy.shown_name(name) for name in ("files_read", "files_write", "docs_x")] == [
        "files_read",
        None,
        None,
    ]


def test_a_denied_name_cannot_come_back_by_a_rename() -> None:
    policy = ToolPolicy(deny=Globs(("delete",)), rename={"remove": "delete", "delete": "fine"})
    assert policy.shown_name("remove") is None
    assert policy.shown_name("delete") is None


def test_a_renamed_tool_is_listed_and_found_by_its_new_name_only() -> None:
    catalog = catalog_of([server("main", "main_a", "main_b", rename={"main_a": "first"})])
    assert {name: item["name"] for name, item in catalog.tools.items()} == {
        "first": "first",
        "main_b": "main_b",
    }
    found = catalog.tool("first")
    assert (found.shown_name, found.upstream_name) == ("first", "main_a")
    with pytest.raises(NotOfferedError, match="Unknown tool: main_a"):
        catalog.tool("main_a")


def test_beginnings_of_names_are_renamed_whole_names_before_them_and_back_again() -> None:
    policy = ToolPolicy(
        rename={"main_*": "second_*", "main_a": "first", "mai*": "never_*"}, deny=Globs(("second_d",))
    )
    shown = {own: policy.shown_name(own) for own in ("main_a", "main_b", "main_", "main_d", "other")}
    assert shown == {
        "main_a": "first",
        "main_b": "second_b",
        "main_": "second_",
        "main_d": None,
        "other": "other",
    }
    back = {name: policy.own_name(name) for name in ("first", "second_b", "second_", "second_d", "other")}
    assert back == {
        "first": "main_a",
        "second_b": "main_b",
        "second_": "main_",
        "second_d": None,
        "other": "other",
    }
    assert [policy.own_name(name) for name in ("main_a", "main_b")] == [None, None]


def test_a_beginning_that_no_tool_has_is_told_of() -> None:
    policy = ToolPolicy(rename={"main_*": "second_*", "mian_*": "third_*", "main_z": "z"})
    assert unmatched(Offer(tools={"main_a": tool("main_a")}), policy) == ("rename/mian_*", "rename/main_z")


def test_two_servers_of_one_kind_are_told_apart_by_another_beginning() -> None:
    two = [server("main", "main_a", "main_b"), server("main", "main_a", "main_b", rename={"main_*": "hub_*"})]
    catalog = catalog_of(two)
    assert list(catalog.tools) == ["hub_a", "hub_b", "main_a", "main_b"]
    assert catalog.collisions == {}
    found = catalog.tool("hub_b")
    assert (found.upstream_name, found.backend) == ("main_b", two[1])


def test_a_denied_tool_is_told_of_like_one_that_does_not_exist() -> None:
    catalog = catalog_of([server("main", "main_a", "main_b", deny=Globs(("main_a",)))])
    errors = []
    for name in ("main_a", "main_z"):
        with pytest.raises(NotOfferedError) as caught:
            catalog.tool(name)
        errors.append((type(caught.value), str(caught.value).replace(name, "…")))
    assert errors[0] == errors[1]


def test_a_collision_is_served_by_neither_and_names_both_owners() -> None:
    catalog = catalog_of([server("blue", "same"), server("red", "red_same", rename={"red_same": "same"})])
    assert dict(catalog.tools) == {}
    assert catalog.collisions == {"tool same": ("blue", "red (as red_same)")}
    with pytest.raises(AmbiguousError, match=r"offered by blue and red \(as red_same\)"):
        catalog.tool("same")


def test_a_rename_that_resolves_a_collision_serves_both() -> None:
    catalog = catalog_of([server("blue", "same"), server("red", "same", rename={"same": "red_same"})])
    assert catalog.collisions == {}
    assert catalog.tool("same").backend.route.name == "blue"
    assert catalog.tool("red_same").backend.route.name == "red"
    assert catalog.tool("red_same").upstream_name == "same"


def test_denying_one_of_two_resolves_a_collision_too() -> None:
    catalog = catalog_of([server("blue", "same"), server("red", "same", deny=Globs(("same",)))])
    assert catalog.tool("same").backend.route.name == "blue"


def test_two_tools_of_one_server_under_one_name_are_served_by_neither() -> None:
    catalog = catalog_of([server("red", "a", "b", rename={"a": "b"})])
    assert dict(catalog.tools) == {}
    with pytest.raises(AmbiguousError, match=r"red \(as a\) and red"):
        catalog.tool("b")


def test_two_tools_may_swap_their_names() -> None:
    catalog = catalog_of([server("red", "a", "b", rename={"a": "b", "b": "a"})])
    assert [catalog.tool(name).upstream_name for name in ("a", "b")] == ["b", "a"]


def test_bounds_are_found_by_the_servers_own_name_and_the_first_pattern_counts() -> None:
    catalog = catalog_of(
        [
            server(
                "red",
                "slow_a",
                "slow_b",
                rename={"slow_a": "a"},
                timeouts={"slow_a": 90.0, "slow_*": 60.0},
                rates={"slow_a": Rate.parse("10/m")},
            )
        ]
    )
    assert (catalog.tool("a").timeout_s, catalog.tool("a").rate) == (
        90.0,
        Rate(10, 60, 10),
    )
    assert (catalog.tool("slow_b").timeout_s, catalog.tool("slow_b").rate) == (60.0, None)


def test_only_a_promise_makes_a_tool_read_only() -> None:
    told = Offer(
        tools={
            "reads": tool("reads", annotations={"readOnlyHint": True}),
            "says_so": tool("says_so", annotations={"readOnlyHint": "yes"}),
            "silent": tool("silent"),
        }
    )
    catalog = catalog_of([Server(route("red", ToolPolicy()), told)])
    assert [catalog.tool(name).read_only for name in told.tools] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "own"), [("red_a", "red_a"), ("first", "red_first"), ("red_first", None), ("red_no", None)]
)
def test_before_a_server_told_its_tools_its_policy_holds_already(name: str, own: str | None) -> None:
    rules = ToolPolicy(deny=Globs(("red_no",)), rename={"red_first": "first"})
    catalog = catalog_of([Server(route("red", rules, "red_"), None)])
    if own is None:
        with pytest.raises(NotOfferedError):
            catalog.tool(name)
    else:
        assert catalog.tool(name).upstream_name == own


def test_the_catalog_is_the_same_object_until_something_changes() -> None:
    servers = [server("red", "red_a"), server("blue", "blue_a")]
    first = catalog_of(servers)
    assert catalog_of(servers, first) is first
    assert catalog_of(servers[:1], first) is not first
    servers[0].offer = shaped(Offer(tools={"red_b": tool("red_b")}), route("red"))
    second = catalog_of(servers, first)
    assert second is not first
    assert "red_b" in second.tools


RED_PARTS = Offer(
    resources={"red://fixed": {"uri": "red://fixed"}},
    templates={"red://things/{name}": {"uriTemplate": "red://things/{name}"}},
    prompts={name: {"name": name} for name in ("review", "write")},
)


def parted(resources: Filter = UNFILTERED, prompts: Filter = UNFILTERED, *, told: bool = True) -> Server:
    rules = route("red", UNRESTRICTED, "red_", resources=resources, prompts=prompts)
    return Server(rules, shaped(RED_PARTS, rules) if told else None)


def test_a_denied_resource_cannot_be_listed_or_read_though_a_template_would_make_it() -> None:
    catalog = catalog_of([parted(Filter(deny=Globs(("red://fixed", "red://things/secret*"))))])
    assert list(catalog.resources) == []
    assert list(catalog.templates) == ["red://things/{name}"]
    assert catalog.resource_owner("red://things/open").route.name == "red"
    for uri in ("red://fixed", "red://things/secret-1"):
        with pytest.raises(NotOfferedError, match="Unknown resource"):
            catalog.resource_owner(uri)


def test_a_denied_template_makes_nothing_and_is_completed_for_nobody() -> None:
    catalog = catalog_of([parted(Filter(deny=Globs(("red://things/*",))))])
    assert (list(catalog.templates), list(catalog.resources)) == ([], ["red://fixed"])
    for ask in (catalog.resource_owner, catalog.template_owner):
        with pytest.raises(NotOfferedError, match="Unknown"):
            ask("red://things/{name}")


def test_a_denied_prompt_is_not_offered_before_its_server_told_either() -> None:
    prompts = Filter(allow=Globs(("red_*", "review")), deny=Globs(("red_write",)))
    assert list(catalog_of([parted(prompts=prompts)]).prompts) == ["review"]
    unseen = catalog_of([parted(prompts=prompts, told=False)])
    assert unseen.prompt_owner("red_review").route.name == "red"
    with pytest.raises(NotOfferedError, match="Unknown prompt"):
        unseen.prompt_owner("red_write")


def test_what_one_of_two_servers_denies_collides_with_nothing() -> None:
    told = Offer(prompts=RED_PARTS.prompts, templates=RED_PARTS.templates)
    blue = Server(route("blue"), told)
    both = catalog_of([blue, parted()])
    assert set(both.collisions) == {"resource template red://things/{name}", "prompt review", "prompt write"}
    nothing = Filter(deny=EVERYTHING)
    apart = catalog_of([blue, parted(nothing, nothing)])
    assert apart.collisions == {}
    assert apart.resource_owner("red://things/a").route.name == "blue"
    assert apart.prompt_owner("review").route.name == "blue"


def test_patterns_that_match_nothing_are_named_unless_a_template_may_make_what_they_mean() -> None:
    resources = Filter(deny=Globs(("red://things/secret*", "rde://*")))
    rules = parted(resources, Filter(allow=Globs(("review", "reveiw")))).route
    assert unmatched_parts(RED_PARTS, rules) == ("resources/deny/rde://*", "prompts/allow/reveiw")
