import pytest
from docgen_github.rate import LONGEST, RateMemory, limit_wait, seconds_to_wait

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "999999999"}, LONGEST),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT"}, 21.0),
        ({"retry-after": "soon"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW + 30:.0f}"}, 31.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "5"}, 1.0),
        ({"x-ratelimit-remaining": "4", "x-ratelimit-reset": f"{NOW + 30:.0f}"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_as_github_documents_it(headers: dict[str, str], seconds: float | None):
    assert seconds_to_wait(headers, NOW) == seconds


def test_a_403_is_a_limit_only_when_something_says_so():
    assert limit_wait(403, {}, b'{"message": "Must have admin rights"}', NOW) is None
    assert limit_wait(403, {}, b'{"message": "You have exceeded a secondary rate limit"}', NOW) == 60.0
    assert limit_wait(403, {"retry-after": "3"}, b"", NOW) == 3.0
    assert limit_wait(429, {}, b"", NOW) == 60.0
    assert limit_wait(500, {"retry-after": "3"}, b"", NOW) is None


def test_counters_are_remembered_and_nonsense_is_not():
    memory = RateMemory()
    memory.note({"x-ratelimit-limit": "60", "x-ratelimit-remaining": "59", "x-ratelimit-reset": "1800000000"})
    memory.note({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"})
    assert memory.seen is not None
    assert (memory.seen.limit, memory.seen.remaining, memory.seen.reset.year) == (60, 59, 2027)


def test_a_new_token_does_not_inherit_the_rest_of_the_old():
    memory = RateMemory()
    memory.block("old", 50)
    assert memory.blocked_for("old") > 49
    assert memory.blocked_for("new") == 0
