import asyncio

import pytest
from docgen_github import readiness
from docgen_github.readiness import ApiCheck
from docgen_github.server import build_server

from tests.servers.github.conftest import QUICK, MakeClient, MakeSettings
from tests.servers.github.stand_in import Reply, StandIn

pytestmark = pytest.mark.anyio


async def test_without_repositories_the_api_is_never_asked(github: StandIn, make_settings: MakeSettings):
    server = build_server(make_settings([]), bounds=QUICK)
    async with server.client:
        results = {
            name: await check() for name, check in readiness.checks(server.client, server.options).items()
        }
    assert list(results) == ["configuration"]
    assert results["configuration"].ok
    assert github.seen == []


async def test_a_wrong_configuration_is_not_ready_and_says_why(make_settings: MakeSettings):
    server = build_server(make_settings(["nonsense"]), bounds=QUICK)
    async with server.client:
        result = await readiness.checks(server.client, server.options)["configuration"]()
    assert not result.ok
    assert "servers/github/options/repositories/0" in result.detail
    assert not readiness.wants_requests({"configuration": result})


@pytest.mark.parametrize(
    ("reply", "ok", "detail"),
    [
        (Reply({"resources": {}}), True, "answers"),
        (Reply({}, 404), True, "rate limits are off"),
        (Reply({}, 401), False, "does not accept the token"),
        (Reply({}, delay_s=1), False, "did not answer in time"),
    ],
)
async def test_the_api_is_asked_for_its_rate_limit(
    reply: Reply, ok: bool, detail: str, github: StandIn, make_client: MakeClient
):
    github.on("/rate_limit", reply)
    async with make_client() as client:
        result = await ApiCheck(client)()
    assert result.ok is ok
    assert detail in result.detail


async def test_the_api_is_asked_once_however_often_readiness_is(github: StandIn, make_client: MakeClient):
    github.on("/rate_limit", Reply({}))
    async with make_client() as client:
        check = ApiCheck(client)
        await asyncio.gather(*(check() for _ in range(20)))
    assert github.asked("/rate_limit") == 1


async def test_the_api_is_asked_again_when_the_verdict_is_old(github: StandIn, make_client: MakeClient):
    github.on("/rate_limit", Reply({}, 401), Reply({}))
    async with make_client() as client:
        check = ApiCheck(client, every=0)
        assert not (await check()).ok
        assert (await check()).ok
