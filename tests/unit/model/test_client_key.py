"""The words that people write about keys: one rule each, the same that servers have."""

from datetime import UTC, datetime, timedelta

import pytest
from docgen_common.rates import Rate
from docgen_common.scopes import Grants

from docgenctl.model.client_key import (
    ClientKey,
    KeyState,
    check_key_name,
    check_rate,
    check_scope,
    read_expiry,
    read_tool_rate,
    scope_server,
)
from docgenctl.model.errors import UsageError

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", ["a", "ci", "alice-2", "0", "x" * 32])
def test_a_plain_word_names_a_key(name: str) -> None:
    assert check_key_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "A", "a_b", "a.b", "a b", "../x", "a\n", "ä", "x" * 33, "--json", "a\0", "a/b"],
)
def test_anything_else_does_not(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a key") as error:
        check_key_name(name)
    assert error.value.hint


@pytest.mark.parametrize("name", ["default", "upstream-main", "upstream-x"])
def test_names_that_servers_trust_are_nobodys(name: str) -> None:
    with pytest.raises(UsageError, match="docgenctl's own"):
        check_key_name(name)


SCOPES = [
    *(
        "*",
        "*:read",
        "main",
        "main:read",
        "github/github_get_*",
        "main/a:read",
        "*/x",
        "a1-b_c",
        "main/a.b/c",
    ),
    *("", ":read", "main:write", "Main", "main/", "main/:read", "/x", "main/a b", "main/[a]", "m*", "**"),
    *("main\n", "main ", "-main", "main/ä", "main:read:read", "main/" + "x" * 128, "main/" + "x" * 129),
    *("x" * 63, "x" * 64, "main/a?", "main//a"),
]


@pytest.mark.parametrize("scope", SCOPES)
def test_scopes_are_what_servers_take_for_scopes(scope: str) -> None:
    assert _accepts(lambda: check_scope(scope)) is _accepts(lambda: Grants.parse([scope]))


RATES = [
    *("10/s", "600/m", "100/h", "5/s burst 20", "1/s burst 1", "999999999/s", "010/s"),
    *("", "10", "0/s", "00/s", "10/d", "10/s burst 0", "1.5/s", "10 /s", "-1/s", "1234567890/s", "1/s burst"),
    *("10/s\n", "٣/s", "1/s burst 1234567890", "0000000001/s", "10/S", "10/s  burst 2"),
]


@pytest.mark.parametrize("rate", RATES)
def test_rates_are_what_servers_take_for_rates(rate: str) -> None:
    assert _accepts(lambda: check_rate(rate)) is _accepts(lambda: Rate.parse(rate))


def _accepts(check: object) -> bool:
    try:
        check()  # type: ignore[operator]
    except (UsageError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("scope", "server"), [("*", "*"), ("main:read", "main"), ("a/b*:read", "a")])
def test_a_scope_tells_its_server(scope: str, server: str) -> None:
    assert scope_server(scope) == server


def test_a_tools_rate_is_names_and_a_rate() -> None:
    assert read_tool_rate("github_*=5/s burst 9") == ("github_*", "5/s burst 9")
    for wrong in ("github_*", "=5/m", "a b=5/m", "a=often", "a=5/m=6/m"):
        with pytest.raises(UsageError):
            read_tool_rate(wrong)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("30d", "2026-12-30T12:00:00Z"),
        ("12h", "2026-12-01T00:00:00Z"),
        ("90m", "2026-11-30T13:30:00Z"),
        ("2w", "2026-12-14T12:00:00Z"),
        ("2026-11-30", "2026-12-01T00:00:00Z"),
        ("2028-02-29", "2028-03-01T00:00:00Z"),
        ("2026-11-30T12:00:01Z", "2026-11-30T12:00:01Z"),
        ("2026-11-30T15:00:00+02:00", "2026-11-30T13:00:00Z"),
    ],
)
def test_an_expiry_is_a_span_a_day_with_its_end_or_an_instant(text: str, ends: str) -> None:
    assert read_expiry(text, NOON) == ends


@pytest.mark.parametrize(
    "text",
    [
        *("", "d", "0d", "-1d", "1.5d", "30 d", "1y", "99999d99", "999999w", "2026-13-01", "2027-02-29"),
        *("tomorrow", "2026-12-01T00:00:00", "2026-11-29", "2026-11-30T12:00:00Z", "2026-11-30T11:59:59Z"),
    ],
)
def test_no_time_and_past_times_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        read_expiry(text, NOON)
    assert error.value.hint


def test_a_key_is_expired_from_the_instant_of_its_expiry_on() -> None:
    key = ClientKey(name="a", sha256="x", created="", expires="2026-11-30T12:00:00Z")
    assert key.state(NOON - timedelta(microseconds=1)) is KeyState.ACTIVE
    assert key.state(NOON) is KeyState.EXPIRED
    revoked = ClientKey(name="a", sha256="", created="", expires="2026-11-30T12:00:00Z", revoked="…")
    assert revoked.state(NOON) is KeyState.REVOKED
