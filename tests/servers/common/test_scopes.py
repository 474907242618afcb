"""What a key's scopes give, and what they do not."""

import time

import pytest
from docgen_common.scopes import UNRESTRICTED, Grants


def _tool(scope: str, server: str, tool: str, *, read_only: bool = False) -> bool:
    return Grants.parse([scope]).allows_tool(server, tool, read_only=read_only)


def test_a_star_gives_everything() -> None:
    assert UNRESTRICTED.unrestricted
    assert UNRESTRICTED.allows_tool("any", "tool", read_only=False)
    assert UNRESTRICTED.allows_server("any")


def test_no_scope_gives_nothing() -> None:
    nothing = Grants.parse([])
    assert not nothing.unrestricted
    assert not nothing.allows_tool("main", "docs_generate", read_only=True)
    assert not nothing.allows_server("main")
    assert not nothing.touches_server("main")


def test_a_server_gives_its_tools_and_all_else_of_it_and_no_other_server() -> None:
    main = Grants.parse(["main"])
    assert main.allows_tool("main", "docs_generate", read_only=False)
    assert main.allows_server("main")
    for other in ("github", "main2", "mai", "main/x", "Main"):
        assert not main.allows_tool(other, "docs_generate", read_only=True), other
        assert not main.allows_server(other), other


@pytest.mark.parametrize("scope", ["main:read", "*:read", "main/docs_*:read"])
def test_read_leaves_out_what_does_not_say_that_it_only_reads(scope: str) -> None:
    assert _tool(scope, "main", "docs_list", read_only=True)
    assert not _tool(scope, "main", "docs_list", read_only=False)
    assert not Grants.parse([scope]).unrestricted


def test_a_glob_gives_the_tools_so_named_and_nothing_else_of_the_server() -> None:
    grants = Grants.parse(["github/github_get_*"])
    assert grants.allows_tool("github", "github_get_issue", read_only=False)
    assert not grants.allows_tool("github", "github_create_pull", read_only=False)
    assert not grants.allows_tool("github", "x_github_get_issue", read_only=False)
    assert not grants.allows_tool("main", "github_get_issue", read_only=False)
    assert not grants.allows_server("github")
    assert grants.touches_server("github")


def test_a_name_without_a_star_is_that_one_tool() -> None:
    assert _tool("main/docs.list", "main", "docs.list")
    for other in ("docs_list", "docs.list2", "docs.list\n", "a-docs.list"):
        assert not _tool("main/docs.list", "main", other), other


def test_a_glob_on_every_server_is_not_unrestricted() -> None:
    assert not Grants.parse(["*/*"]).unrestricted
    assert _tool("*/*", "github", "anything")
    assert not Grants.parse(["*/*"]).allows_server("github")


def test_scopes_add_up() -> None:
    grants = Grants.parse(["main:read", "github/github_create_issue"])
    assert grants.allows_tool("main", "docs_list", read_only=True)
    assert not grants.allows_tool("main", "docs_generate", read_only=False)
    assert grants.allows_tool("github", "github_create_issue", read_only=False)
    assert grants.allows_server("main")
    assert not grants.allows_server("github")
    assert Grants.parse(["main:read", "*"]).unrestricted


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ":read", "main:write", "main:read:read", "Main", "main/", "main/:read", "/tool"),
        *("main/a b", "main/[a]", "main/a?", "main ", "m*", "**", "main\n", "main/tool\n", "-main", "ä"),
        "main/" + "x" * 129,
    ],
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Grants.parse(["*", text])


def test_many_stars_take_no_time() -> None:
    begun = time.perf_counter()
    assert not _tool("main/" + "a*" * 60 + "b", "main", "a" * 128)
    assert time.perf_counter() - begun < 1
