import ssl

import pytest
from docgen_github.errors import EgressClosed, NotPermitted, Unreachable

from tests.servers.github.conftest import TOKEN, MakeClient
from tests.servers.github.proxy import Proxy
from tests.servers.github.stand_in import Reply, StandIn

pytestmark = pytest.mark.anyio


async def test_a_plain_request_goes_through_the_proxy(github: StandIn, proxy: Proxy, make_client: MakeClient):
    github.on("/thing", Reply({"a": 1}))
    async with make_client(proxy=proxy.url) as client:
        assert (await client.get(("thing",), what="x")).value == {"a": 1}
    assert proxy.requests == [f"GET {github.url}/thing"]


async def test_a_tls_request_goes_through_a_tunnel_that_does_not_show_the_token(
    https_github: StandIn, proxy: Proxy, make_client: MakeClient, trust: ssl.SSLContext
):
    https_github.on("/thing", Reply({"a": 1}))
    async with make_client(https_github.url, proxy=proxy.url, trust=trust) as client:
        assert (await client.get(("thing",), what="x")).value == {"a": 1}
    assert proxy.requests == [f"CONNECT {https_github.url.removeprefix('https://')}"]
    assert https_github.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN.encode() not in proxy.bytes_seen


@pytest.mark.parametrize("secure", [False, True])
async def test_a_refusing_proxy_is_told_apart_from_github_and_the_fix_is_named(
    secure: bool,
    github: StandIn,
    https_github: StandIn,
    proxy: Proxy,
    make_client: MakeClient,
    trust: ssl.SSLContext,
):
    proxy.refuses = True
    url = (https_github if secure else github).url
    async with make_client(url, proxy=proxy.url, trust=trust) as client:
        with pytest.raises(EgressClosed) as caught:
            await client.get(("thing",), {"q": "QUERY"}, what="x")
    message = str(caught.value)
    assert "servers/github/options/repositories" in message
    assert "servers/github/egress/allow" in message
    assert proxy.url.removeprefix("http://") not in message
    assert "QUERY" not in message
    assert len(proxy.requests) == 1
    assert github.seen == https_github.seen == []


async def test_a_403_of_github_behind_the_proxy_is_still_githubs(
    github: StandIn, proxy: Proxy, make_client: MakeClient
):
    github.on("/thing", Reply({"message": "no"}, 403))
    async with make_client(proxy=proxy.url) as client:
        with pytest.raises(NotPermitted):
            await client.get(("thing",), what="x")


async def test_a_proxy_that_is_down_is_named_without_its_address(make_client: MakeClient, unused_port):
    port = unused_port()
    async with make_client(proxy=f"http://127.0.0.1:{port}") as client:
        with pytest.raises(Unreachable, match="egress proxy of the stack cannot be reached") as caught:
            await client.get(("thing",), what="x")
    assert str(port) not in str(caught.value)


async def test_what_the_proxy_could_not_connect_for_did_not_arrive(
    proxy: Proxy, make_client: MakeClient, unused_port
):
    async with make_client(f"http://127.0.0.1:{unused_port()}", proxy=proxy.url) as client:
        with pytest.raises(Unreachable, match="could not connect") as caught:
            await client.once(client.question("POST", ("thing",), what="x"))
    assert (caught.value.unsent, caught.value.lost) == (True, False)
