from docgen_github.cache import EtagCache, Kept


def kept(size: int = 10) -> Kept:
    return Kept('"tag"', b"x" * size, "")


def test_the_least_recently_used_goes_first():
    cache = EtagCache(entries=2)
    cache.put("me", "a", kept())
    cache.put("me", "b", kept())
    cache.get("me", "a")
    cache.put("me", "c", kept())
    assert cache.get("me", "b") is None
    assert cache.get("me", "a") is not None


def test_bytes_are_bounded_and_counted_right_after_replacement():
    cache = EtagCache(total_bytes=800)
    for number in range(100):
        cache.put("me", str(number % 12), kept(90))
    assert cache.held_bytes == 90 * len(cache) <= 800


def test_an_answer_too_large_for_the_room_is_not_kept_and_its_older_one_is_dropped():
    cache = EtagCache(total_bytes=800)
    cache.put("me", "a", kept(10))
    cache.put("me", "a", kept(101))
    assert (cache.get("me", "a"), cache.held_bytes) == (None, 0)


def test_one_token_never_gets_what_another_saw():
    cache = EtagCache()
    cache.put("one", "a", kept())
    assert cache.get("other", "a") is None
