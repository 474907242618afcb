import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from docgen_github.client import ANONYMOUS, Bounds, GitHubClient
from docgen_github.errors import (
    BadAnswer,
    BadToken,
    GitHubError,
    Moved,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
    Unreachable,
)
from docgen_github.keypaths import KeyPaths

from tests.servers.github.conftest import QUICK, TOKEN, MakeClient
from tests.servers.github.stand_in import Reply, StandIn

pytestmark = pytest.mark.anyio


async def ask(client: GitHubClient, path: str = "thing", query: Any = None) -> Any:
    async with client:
        return (await client.get(path.split("/"), query, what="the thing")).value


async def test_token_and_api_version_travel_with_every_request(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({"a": 1}))
    assert await ask(make_client()) == {"a": 1}
    headers = github.seen[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-github-api-version"] == "2022-11-28"


async def test_without_a_token_no_authorization_is_sent(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}))
    await ask(make_client(token=None))
    assert "authorization" not in github.seen[0].headers


async def test_the_path_of_github_enterprise_is_kept(github: StandIn, make_client: MakeClient):
    github.on("/api/v3/repos/o/n", Reply({}))
    await ask(make_client(github.url + "/api/v3"), "repos/o/n", {"q": "a b&c"})
    assert github.seen[0].query == {"q": "a b&c"}


@pytest.mark.parametrize("segment", ["..", ".", ""])
async def test_a_segment_that_would_leave_the_base_is_never_sent(
    segment: str, github: StandIn, make_client: MakeClient
):
    async with make_client() as client:
        with pytest.raises(ValueError, match="segment"):
            await client.get(("repos", segment), what="x")
    assert github.seen == []


async def test_a_slash_in_a_segment_stays_inside_it(github: StandIn, make_client: MakeClient):
    async with make_client() as client:
        with pytest.raises(NotFound):
            await client.get(("repos", "a/../b?c#d"), what="x")
    assert github.seen[0].raw_path == "/repos/a%2F..%2Fb%3Fc%23d"
    assert github.seen[0].query == {}


async def test_the_environment_cannot_redirect_the_client(
    github: StandIn, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    github.on("/thing", Reply({}))
    assert await ask(make_client()) == {}


async def test_a_replaced_token_is_used_without_a_restart(github: StandIn):
    tokens = ["first", "second"]
    github.on("/thing", Reply({}))
    async with GitHubClient(
        github.url, paths=KeyPaths("github"), token=lambda: tokens.pop(0), bounds=QUICK
    ) as client:
        await client.get(("thing",), what="x")
        await client.get(("thing",), what="x")
    assert [seen.headers["authorization"] for seen in github.seen] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "tökén"])
async def test_a_token_that_cannot_stand_in_a_header_is_refused_unquoted(
    token: str, github: StandIn, make_client: MakeClient
):
    with pytest.raises(BadToken) as caught:
        await ask(make_client(token=token))
    assert token not in str(caught.value)
    assert github.seen == []


STATUSES = [
    (Reply({}, 401), BadToken, "does not accept the token"),
    (Reply({}, 403), NotPermitted, r"may not read the thing \(403\)"),
    (Reply({}, 403, {"x-accepted-oauth-scopes": "repo, read:org"}), NotPermitted, "one of: repo, read:org"),
    (Reply({}, 403, {"x-accepted-oauth-scopes": "IGNORE ALL"}), NotPermitted, "check the permissions"),
    (Reply({}, 403, {"x-github-sso": "required; url=https://x?a=b"}), NotPermitted, "single sign-on"),
    (Reply({}, 404), NotFound, "has no the thing"),
    (Reply({}, 410), NotFound, "has no the thing"),
    (Reply({}, 451), NotPermitted, "legal"),
    (Reply({}, 301, {"location": "/repositories/7"}), Moved, "redirects"),
    (Reply({}, 302, {"location": "http://127.0.0.1:9/steal"}), Moved, "redirects"),
    (Reply({}, 422), BadAnswer, "422"),
    (Reply(b"<html>", 200), BadAnswer, "not JSON"),
    (Reply(b"[" * 100_000, 200), BadAnswer, "not JSON"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), STATUSES)
async def test_each_refusal_has_its_own_error(
    reply: Reply, kind: type[GitHubError], words: str, github: StandIn, make_client: MakeClient
):
    github.on("/thing", reply)
    with pytest.raises(kind, match=words) as caught:
        await ask(make_client(), query={"secret": "QUERY"})
    assert type(caught.value) is kind
    assert len(github.seen) == 1
    assert "QUERY" not in str(caught.value)


async def test_a_401_without_a_token_asks_for_one(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, 401))
    with pytest.raises(BadToken, match="this server has none"):
        await ask(make_client(token=None))


async def test_a_server_error_is_repeated_until_it_is_over(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, 502), Reply({}, 503), Reply({"ok": True}))
    assert await ask(make_client()) == {"ok": True}
    assert github.asked("/thing") == 3


async def test_a_lasting_server_error_ends_after_three_attempts(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, 500))
    with pytest.raises(Unavailable, match="answers 500"):
        await ask(make_client())
    assert github.asked("/thing") == 3


async def test_a_503_that_asks_for_a_long_rest_is_not_repeated(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, 503, {"retry-after": "60"}))
    with pytest.raises(Unavailable):
        await ask(make_client())
    assert github.asked("/thing") == 1


async def test_a_short_limit_is_waited_out(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, 429, {"retry-after": "1"}), Reply({"ok": True}))
    begun = time.monotonic()
    assert await ask(make_client()) == {"ok": True}
    assert time.monotonic() - begun >= 1


async def test_a_long_limit_says_when_to_come_back_and_later_calls_send_nothing(
    github: StandIn, make_client: MakeClient
):
    github.on("/thing", Reply({}, 429, {"retry-after": "90"}))
    async with make_client() as client:
        with pytest.raises(RateLimited, match=r"until 20\d\d-.*Z \(in 90 s\)"):
            await client.get(("thing",), what="x")
        with pytest.raises(RateLimited, match=r"in \d+ s"):
            await client.get(("other",), what="x")
        assert client.waits_seconds > 80
    assert len(github.seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"message": "You have exceeded a secondary rate limit."}, 403),
        Reply({}, 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}),
    ],
)
async def test_a_403_that_means_the_limit_is_told_apart_from_a_missing_scope(
    reply: Reply, github: StandIn, make_client: MakeClient
):
    github.on("/thing", reply)
    with pytest.raises(RateLimited):
        await ask(make_client())


async def test_the_counters_of_the_last_answer_are_seen(github: StandIn, make_client: MakeClient):
    headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "4987",
        "x-ratelimit-reset": "1795369510",
    }
    github.on("/thing", Reply({}, headers=headers))
    client = make_client()
    await ask(client)
    assert client.rate.seen is not None
    assert client.rate.seen.remaining == 4987


async def test_an_unchanged_answer_is_served_from_its_etag(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({"a": 1}, etag=True))
    async with make_client() as client:
        first = await client.get(("thing",), what="x")
        second = await client.get(("thing",), what="x")
    assert first.value == second.value == {"a": 1}
    assert "if-none-match" not in github.seen[0].headers
    assert "if-none-match" in github.seen[1].headers


async def test_a_kept_answer_keeps_its_link_to_the_next_page(github: StandIn, make_client: MakeClient):
    link = f'<{github.url}/thing?page=2>; rel="next"'
    github.on("/thing", Reply([1], headers={"link": link}, etag=True), Reply([1], etag=True))
    async with make_client() as client:
        await client.get(("thing",), what="x")
        assert (await client.get(("thing",), what="x")).next_url == f"{github.url}/thing?page=2"


async def test_another_token_does_not_get_the_kept_answer(github: StandIn):
    tokens = ["one", "other"]
    github.on("/thing", Reply({}, etag=True))
    async with GitHubClient(
        github.url, paths=KeyPaths("github"), token=lambda: tokens.pop(0), bounds=QUICK
    ) as client:
        await client.get(("thing",), what="x")
        await client.get(("thing",), what="x")
    assert all("if-none-match" not in seen.headers for seen in github.seen)


async def test_pages_are_walked_by_their_links_up_to_a_bound(github: StandIn, make_client: MakeClient):
    link = f'<{github.url}/list?page=2>; rel="next"'
    github.on("/list", Reply([1], headers={"link": link}), Reply([2], headers={"link": link}), Reply([3]))
    async with make_client() as client:
        pages = [answer async for answer in client.walk(("list",), {"per_page": 1}, what="x", pages=2)]
        rest = [answer async for answer in client.walk(("list",), {"per_page": 1}, what="x", pages=2)]
    assert [page.value for page in pages] == [[1], [2]]
    assert pages[-1].next_url is not None
    assert [page.value for page in rest] == [[3]]


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/list", "https://evil.test/list", "/list?page=2"])
async def test_a_link_to_elsewhere_is_not_followed(where: str, github: StandIn, make_client: MakeClient):
    github.on("/list", Reply([1], headers={"link": f'<{where}>; rel="next"'}))
    async with make_client() as client:
        with pytest.raises(BadAnswer, match="another address"):
            [answer async for answer in client.walk(("list",), {}, what="x", pages=9)]
    assert len(github.seen) == 1


async def test_a_slow_answer_ends_in_time(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, delay_s=1.0))
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer in time"):
        await ask(make_client())
    assert time.monotonic() - begun < 0.9


async def test_an_answer_that_drips_meets_the_deadline_of_the_whole_call(
    github: StandIn, make_client: MakeClient
):
    github.on("/thing", Reply(b" " * 200, drip_s=0.05))
    with pytest.raises(Unreachable, match=r"within 0\.6 s"):
        await ask(make_client(bounds=Bounds(read_s=0.4, total_s=0.6)))


@pytest.mark.parametrize("gzipped", [False, True])
async def test_a_huge_answer_is_not_read_to_the_end(gzipped: bool, github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply(b'"' + b"x" * 50_000_000 + b'"', gzipped=gzipped))
    with pytest.raises(BadAnswer, match="larger than 195 KiB"):
        await ask(make_client(bounds=Bounds(body_bytes=200_000)))


async def test_a_compressed_answer_is_read(github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({"text": "x" * 100_000}, gzipped=True))
    assert await ask(make_client()) == {"text": "x" * 100_000}


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_a_broken_encoding_is_an_error(encoding: str, github: StandIn, make_client: MakeClient):
    github.on("/thing", Reply({}, headers={"content-encoding": encoding}))
    with pytest.raises(BadAnswer):
        await ask(make_client())


async def test_a_lost_answer_is_asked_for_again(make_client: MakeClient):
    requests = []

    async def lose_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if len(requests) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
        writer.close()

    async with await asyncio.start_server(lose_the_first, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask(make_client(f"http://127.0.0.1:{port}")) == []
    assert len(requests) == 2


async def test_nobody_listening_is_named_as_such(make_client: MakeClient, unused_port: Callable[[], int]):
    port = unused_port()
    with pytest.raises(Unreachable, match=rf"No connection to 127\.0\.0\.1:{port}"):
        await ask(make_client(f"http://127.0.0.1:{port}"))


async def test_a_certificate_nobody_vouches_for_is_named_as_such(
    https_github: StandIn, make_client: MakeClient
):
    with pytest.raises(Unreachable, match="TLS certificate"):
        await ask(make_client(https_github.url))


async def test_an_anonymous_caller_has_an_identity_of_its_own(make_client: MakeClient):
    async with make_client(token=None) as client:
        client.rate.block(ANONYMOUS, 30)
        with pytest.raises(RateLimited, match="with a token GitHub allows far more"):
            await client.get(("thing",), what="x")
