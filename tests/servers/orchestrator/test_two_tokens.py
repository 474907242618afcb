"""Two entries of `github` with a token each, called at once through one orchestrator: whose token arrives."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.servers.github.serving import served
from tests.servers.github.stand_in import repository
from tests.servers.orchestrator.conftest import CLIENT_KEY, REPOSITORY, Process, Stack, key_entry, write_keys
from tests.servers.orchestrator.raw_caller import Answer, RawCaller

pytestmark = pytest.mark.anyio

KEYS = {name: f"dgk_{name}-key-of-these-tests-00000000000000000000" for name in ("ann", "bob")}
#: Tokens that each has in turn.
TOKENS = {name: [f"ghp_{name}{number}CANARY0000000000000000000000" for number in (1, 2)] for name in KEYS}
OWNER_OF = {token: name for name, tokens in TOKENS.items() for token in tokens}
LANES = 8
NOT_GRANTED = -32014
counts = pytest.mark.parametrize(
    "calls",
    [
        pytest.param(800, id="800"),
        pytest.param(10_000, id="10000", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)


@dataclass
class Seen:
    """A GitHub that tells each caller whose token came; `arrived` has each name asked for, and the token."""

    url: str = ""
    arrived: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.arrived.append((name, token))
        owner = OWNER_OF.get(token, "nobody")
        return JSONResponse(repository(f"octo/{name}", description=f"{owner} asked for {name}"))


@pytest.fixture
def github() -> Iterator[Seen]:
    seen = Seen()
    app = Starlette(routes=[Route("/repos/octo/{name}", seen.answer)])
    with served(app) as port:
        seen.url = f"http://127.0.0.1:{port}"
        yield seen


@pytest.fixture
def two(make_stack: Callable[[], Stack], github: Seen) -> Stack:
    """Servers `ann` and `bob`, each with its own token; keys of these names that reach one of them each."""
    stack = make_stack()
    for name in KEYS:
        server = stack.join(Process(name, stack.folder / name, ["-m", "docgen_github"]), "github")
        rooms = (str(REPOSITORY / "server_images" / room / "src") for room in ("common", "github"))
        server.environment = {"PYTHONPATH": ":".join(rooms), "DOCGEN_SCRATCH": str(server.folder)}
        options = {"api_url": github.url, "repositories": ["octo/*"]}
        (server.folder / "config" / "server.json").write_text(json.dumps({"options": options}))
        put_token(server, TOKENS[name][0])
        server.entry["tools"] = {"rename": {"github_get_repository": f"{name}_get_repository"}}
    others = [key_entry(key, name, scopes=[name]) for name, key in KEYS.items()]
    write_keys(stack.orchestrator.folder / "secrets", CLIENT_KEY, "default", *others)
    return stack.up()


def put_token(server: Process, token: str) -> None:
    """Give the server another token while it runs, as one switch."""
    fresh = server.folder / "secrets" / "fresh-token"
    fresh.write_text(token + "\n")
    fresh.rename(server.folder / "secrets" / "github-token")


@counts
async def test_no_call_arrives_with_the_token_of_somebody_else_case_86(
    two: Stack, github: Seen, calls: int
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to find again what is found
    done: Counter[str] = Counter()
    each = calls // len(KEYS) // LANES

    async def lane(name: str, number: int) -> None:
        chance = random.Random(f"{seed}-{name}-{number}")
        other = next(another for another in KEYS if another != name)
        doors = [RawCaller(two.orchestrator.port, KEYS[name], path) for path in ("/mcp", f"/mcp/{name}")]
        for count in range(each):
            caller, wanted = chance.choice(doors), f"{name}-{number}-{count}"
            answer = await asked(caller, f"{name}_get_repository", wanted)
            told = answer.message["result"]["structuredContent"]["untrusted"]["description"]
            assert told == f"{name} asked for {wanted}"
            done[name] += 1
            if chance.random() < 0.05:  # the other's tool is called with this key, and not reached
                refused = await asked(doors[0], f"{other}_get_repository", f"stolen-{wanted}")
                assert refused.message["error"]["code"] == NOT_GRANTED
                done["refused"] += 1
            if number == 0 and count == each // 2:
                put_token(two.servers[name], TOKENS[name][1])
        for caller in doors:
            caller.drop()

    async with asyncio.TaskGroup() as group:
        for name in KEYS:
            for number in range(LANES):
                group.create_task(lane(name, number))

    assert done["ann"] == done["bob"] == each * LANES
    assert done["refused"] > calls / 100
    wrong = [(name, token) for name, token in github.arrived if not name.startswith(f"{OWNER_OF[token]}-")]
    assert wrong == []
    assert len(github.arrived) == each * LANES * len(KEYS)
    assert {token for _, token in github.arrived} == OWNER_OF.keys(), "new tokens came into use"


async def asked(caller: RawCaller, tool: str, name: str) -> Answer:
    """Ask GitHub for a repository that is named after the call."""
    return await caller.call(tool, {"owner": "octo", "repo": name})
