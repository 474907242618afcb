"""A document worded by a provider outside: reached when it is configured, its key hidden from all others."""

import json
from pathlib import Path

import pytest
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.model_provider import SENTENCE, model_provider
from tests.e2e.outside import host_addresses, host_listener
from tests.e2e.test_isolation import THROUGH_THE_PROXY
from tests.e2e.test_secrets_stay_secret import Needles, Witness, contents, secrets_of

pytestmark = pytest.mark.engine

KEY = "sk-CANARY51c7e2a94f0b8d6e3a1c5f7092b4d6e8"
VARIABLE = "TEAM_API_KEY"


def test_a_provider_is_reached_only_when_configured_and_its_key_is_seen_by_nobody_else(
    workspace: MakeStack, api: APIClient
) -> None:
    address = host_addresses(api)[0]
    with model_provider() as provider, host_listener() as other:
        ask = json.dumps([("GET", address, provider.port), ("GET", address, other)])
        stack = workspace("models", settings={"log_level": "debug"}, environ={VARIABLE: KEY})
        stack.up()
        before = stack.python_inside("main", THROUGH_THE_PROXY, ask)
        assert [status for status, _ in before] == [403, 403]
        assert sorted(secrets_of(api, stack.containers()["main"])) == ["api-keys.json"]

        witness = Witness(Needles({"key": KEY.encode()}))
        with witness.watching():
            stack.configure({"models": _models(address, provider.port)})
            steps = stack.up()["steps"]
            document = stack.ok("generate", "readme", timeout=300)
        assert {step["subject"] for step in steps if step["verb"] == "create container"} == {"main"}
        assert {step["subject"] for step in steps if step["verb"] == "reload"} == {"egress"}

        text = (stack.directory / "docs/generated/README.md").read_text()
        assert SENTENCE in text
        assert len(provider.requests) >= text.count(SENTENCE) > 2
        for headers, body in provider.requests:
            assert headers["authorization"] == f"Bearer {KEY}"
            assert body["model"] == "small"
            assert KEY not in json.dumps(body)

        after = stack.python_inside("main", THROUGH_THE_PROXY, ask)
        assert after[0][0] == 501  # the provider's own: it takes no GET
        assert after[1][0] == 403
        stranger = stack.python_inside("github", THROUGH_THE_PROXY, ask)
        assert [status for status, _ in stranger] == [403, 403]

        found = witness.needles.found_in
        containers = stack.containers()
        told = [api.inspect_container(container) for container in containers.values()]
        assert found(json.dumps(told).encode()) == []
        for service, container in containers.items():
            assert found(api.logs(container, stdout=True, stderr=True)) == [], service
            for pid, *_ in api.top(container, ps_args="-eo pid,args")["Processes"]:
                assert found(Path(f"/proc/{pid}/environ").read_bytes()) == []
        assert found((document.stdout + document.stderr).encode()) == []
        assert found(b"".join(contents(stack.directory))) == []
        assert witness.in_arguments == set()
        for pid in witness.in_environments:  # the command line was given it by this test
            assert "docgenctl" in witness.names[pid] or "pip" in witness.names[pid], witness.names[pid]
        held, entry = secrets_of(api, containers["main"])["team-api-key"]
        assert held.strip() == KEY.encode()
        assert entry.mode & 0o777 == 0o400
        assert [name for name in containers if "team-api-key" in secrets_of(api, containers[name])] == [
            "main"
        ]


def _models(address: str, port: int) -> dict[str, object]:
    return {
        "providers": {
            "team": {
                "type": "openai-compatible",
                "base_url": f"http://{address}:{port}/v1",
                "key_secret": "team-api-key",
            }
        },
        "chains": {"default": ["team/small"]},
    }
