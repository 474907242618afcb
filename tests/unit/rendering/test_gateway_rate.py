"""The gateway's limit on requests of one address, with a real HAProxy and callers in two places."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docgenctl.certificates.gateway import ensure_gateway_certificate
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.planning.assemble_stack import ORCHESTRATOR_NETWORK, ImageChoice
from docgenctl.rendering.gateway import render_gateway
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import TEMPLATES
from tests.unit.rendering.small_stack import Client, SmallStack, make_small_stack, stand_in, wait_until
from tests.unit.rendering.test_gateway_behaviour import STAND_IN

SETTINGS = {"gateway": {"rate": "30/m"}, "servers": {"main": {}}}
#: Asks the gateway from another container, which has an address of its own.
ELSEWHERE = """
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
request = urllib.request.Request("https://gateway:8080/mcp", b"{}", {"Host": "localhost"})
print(urllib.request.urlopen(request, context=context, timeout=10).status)
"""

pytestmark = pytest.mark.engine


@dataclass(kw_only=True)
class Limited:
    parts: SmallStack
    root: bytes
    orchestrator: str

    def client(self, purpose: str = "orchestrator") -> Client:
        return Client(self.parts.blueprint.ports[purpose], self.root)


@pytest.fixture
def limited(
    engine: DockerEngine, gateway_image: ImageChoice, base_image: ImageChoice, tmp_path: Path
) -> Iterator[Limited]:
    project = project_name("rate")
    tmp_path.chmod(0o700)
    try:
        parts = make_small_stack(engine, project, tmp_path, SETTINGS, {"gateway": gateway_image}, base_image)
        certificate = ensure_gateway_certificate(
            tmp_path, [], "development", datetime.now(UTC), project="rate"
        )
        config = render_gateway(parts.blueprint, TEMPLATES).encode()
        parts.fill("gateway-config", {"haproxy.cfg": config, "version": b"1"}, base_image)
        parts.fill("gateway-secrets", {"gateway.pem": certificate.pem, "version": b"1"}, base_image)
        orchestrator = stand_in(parts.stack.service("orchestrator"), "python3", "-c", STAND_IN)
        place = next(it for it in orchestrator.networks if it.network == ORCHESTRATOR_NETWORK)
        started = parts.start(replace(orchestrator, networks=(place,)), parts.stack.service("gateway"))
        made = Limited(parts=parts, root=certificate.root_pem, orchestrator=started["orchestrator"])
        wait_until(lambda: serves(made))
        yield made
    finally:
        remove_project(engine, project)


def serves(limited: Limited) -> bool:
    """Asked as rarely as can be: it counts, too."""
    try:
        return limited.client().ask("GET", "/health").status == 200
    except OSError:
        return False


def test_an_address_has_its_rate_whatever_it_says_of_itself_and_others_have_theirs(limited: Limited) -> None:
    statuses = []
    for number in range(45):
        told = {
            "X-Forwarded-For": f"192.0.2.{number}",
            "X-Real-IP": f"192.0.2.{number}",
            "Forwarded": f"for=192.0.2.{number}",
            "Authorization": f"Bearer dgk_{number}",
        }
        # Through every door: they share the count.
        answer = limited.client("orchestrator" if number % 2 else "main").ask("POST", "/mcp", told, b"{}")
        statuses.append(answer.status)
    passed = statuses.index(429)
    assert 10 <= passed <= 30  # the gateway's start has been counted, too
    assert set(statuses[passed:]) == {429}
    refused = limited.client().ask("POST", "/mcp", {"X-Correlation-ID": "mine"}, b"{}")
    assert refused.json()["error"]["code"] == "rate_limited"
    assert (refused.headers["retry-after"], refused.headers["x-correlation-id"]) == ("10", "mine")
    # Who waits for the stack to be healthy is not sent away.
    assert limited.client().ask("GET", "/health").status == 200
    elsewhere = limited.parts.engine.execute(limited.orchestrator, ("python3", "-c", ELSEWHERE))
    assert elsewhere.output.strip() == "200"
