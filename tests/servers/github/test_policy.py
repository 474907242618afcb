import pytest
from docgen_github.errors import InvalidName, NotAllowed, NotConfigured
from docgen_github.keypaths import KeyPaths
from docgen_github.policy import RepositoryPolicy, parse_policy

PATHS = KeyPaths("github")


def policy(*entries: object) -> RepositoryPolicy:
    parsed, problems = parse_policy(entries, PATHS)
    assert problems == ()
    return parsed


def test_a_listed_repository_may_be_read_in_any_case():
    assert str(policy("Octo/Demo").check("octo", "DEMO")) == "octo/DEMO"


def test_owner_star_allows_every_repository_of_that_owner_only():
    allowed = policy("octo/*")
    assert allowed.check("OCTO", "anything")
    with pytest.raises(NotAllowed):
        allowed.check("octo-org", "anything")


def test_an_unlisted_repository_is_refused_with_the_key_that_allows_it():
    with pytest.raises(NotAllowed, match=r"octo/other is not in .* servers/github/options/repositories"):
        policy("octo/demo").check("octo", "other")


def test_an_empty_list_allows_nothing_and_names_the_fix():
    with pytest.raises(NotConfigured, match="servers/github/options/repositories"):
        policy().check("octo", "demo")


def test_the_fix_names_the_server_by_the_users_own_name():
    with pytest.raises(NotConfigured, match="servers/work-github/options/repositories"):
        RepositoryPolicy(KeyPaths("work-github")).require_any()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("octo", ".."),
        ("octo", "."),
        ("octo", ""),
        ("octo", "*"),
        ("octo", "demo/../other"),
        ("octo", "demo%2f..%2fother"),
        ("octo", "demo?x=1"),
        ("octo", "demo\n"),
        ("octo", "démo"),
        ("..", "demo"),
        ("-octo", "demo"),
        ("octo/demo", "x"),
        ("", "demo"),
        ("octo", "x" * 101),
    ],
)
def test_what_is_no_name_is_refused_before_the_list_is_asked(owner: str, name: str):
    with pytest.raises(InvalidName):
        policy("octo/*").check(owner, name)


@pytest.mark.parametrize("entry", ["*", "*/*", "octo", "octo/", "/demo", "octo/..", "octo/de*", "", 7, None])
def test_an_entry_that_is_no_repository_is_a_problem_with_its_place(entry: object):
    parsed, problems = parse_policy(["octo/demo", entry], PATHS)
    assert parsed.entries == ("octo/demo",)
    assert problems == ("servers/github/options/repositories/1: write a repository as owner/name or owner/*",)


def test_entries_are_listed_once_and_sorted():
    assert policy("b/x", "a/*", "B/X").entries == ("a/*", "b/x")
