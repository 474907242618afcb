"""The gateway takes over another configuration and another certificate while it is asked by many."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docgenctl.actions.take_over import take_over
from docgenctl.certificates.gateway import ensure_gateway_certificate
from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.secret import Secret
from docgenctl.model.settings import Settings
from docgenctl.model.stack import VolumeContent, digest_of
from docgenctl.planning.assemble_stack import ORCHESTRATOR_NETWORK, ImageChoice
from docgenctl.rendering.configuration_files import render_service_files
from tests.engine_fixtures import project_name, remove_project
from tests.unit.rendering.blueprints import TEMPLATES
from tests.unit.rendering.load import Load
from tests.unit.rendering.small_stack import Client, SmallStack, make_small_stack, stand_in, wait_until
from tests.unit.rendering.test_gateway_behaviour import GO, STAND_IN

SETTINGS = {"gateway": {"hostnames": ["localhost"], "max_body": "64k"}, "servers": {"main": {}}}

pytestmark = pytest.mark.engine


@dataclass(kw_only=True)
class Gateway:
    """A gateway whose volumes are filled as docgenctl fills them."""

    parts: SmallStack
    state: Path
    image: ImageChoice
    root: bytes = b""
    orchestrator: str = ""

    def client(self) -> Client:
        return Client(self.parts.blueprint.ports["orchestrator"], self.root)

    def contents(self, *, max_body: str = "64k", name: str = "a") -> list[VolumeContent]:
        """The two volumes' contents for this limit and a certificate with this further name."""
        settings = SETTINGS | {"gateway": {"hostnames": ["localhost"], "max_body": max_body}}
        blueprint = replace(self.parts.blueprint, settings=Settings.model_validate(settings))
        texts = render_service_files(blueprint, TEMPLATES)["gateway"]
        certificate = ensure_gateway_certificate(
            self.state, [f"{name}.example"], "development", datetime.now(UTC), project="reload"
        )
        self.root = certificate.root_pem
        config: dict[str, bytes | Secret] = {key: text.encode() for key, text in texts.items()}
        return [content("config", config), content("secrets", {"gateway.pem": certificate.pem})]

    def take_over(self, contents: list[VolumeContent]) -> None:
        service = self.parts.stack.service("gateway")
        fills = [(one, self.parts.stack.volume(one.volume)) for one in contents]
        take_over(self.parts.engine, service, self.parts.started["gateway"], fills)


def content(purpose: str, files: dict[str, bytes | Secret]) -> VolumeContent:
    plain = {n: v.reveal_bytes() if isinstance(v, Secret) else v for n, v in files.items()}
    version = digest_of({name: value.hex() for name, value in plain.items()})
    return VolumeContent(
        volume=f"gateway-{purpose}", version=version, files={**files, "version": version[:16].encode()}
    )


@pytest.fixture
def gateway(
    engine: DockerEngine, gateway_image: ImageChoice, base_image: ImageChoice, tmp_path: Path
) -> Iterator[Gateway]:
    project = project_name("reload")
    tmp_path.chmod(0o700)
    try:
        parts = make_small_stack(engine, project, tmp_path, SETTINGS, {"gateway": gateway_image}, base_image)
        made = Gateway(parts=parts, state=tmp_path, image=gateway_image)
        for one in made.contents():
            wanted = parts.stack.volume(one.volume)
            engine.create_volume(wanted, parts.stack)
            engine.fill_volume(one, wanted, gateway_image.reference)
        orchestrator = stand_in(parts.stack.service("orchestrator"), "python3", "-c", STAND_IN)
        place = next(it for it in orchestrator.networks if it.network == ORCHESTRATOR_NETWORK)
        made.orchestrator = parts.start(
            replace(orchestrator, networks=(place,)), parts.stack.service("gateway")
        )["orchestrator"]
        wait_until(lambda: serves(made))
        yield made
    finally:
        remove_project(engine, project)


def serves(gateway: Gateway) -> bool:
    try:
        return gateway.client().ask("GET", "/health").status == 200
    except OSError:
        return False


def names_told(gateway: Gateway) -> set[str]:
    connection = gateway.client().open()
    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert()
    connection.close()
    assert certificate is not None
    return {str(name[1]) for name in certificate["subjectAltName"]}


@pytest.mark.parametrize(
    ("reloads", "requests"), [(4, 400), pytest.param(20, 10_000, marks=pytest.mark.soak)]
)
@pytest.mark.timeout(600)
def test_no_request_fails_while_configuration_and_certificate_are_taken_over(
    gateway: Gateway, reloads: int, requests: int
) -> None:
    with Load(gateway.client(), callers=6) as kept, Load(gateway.client(), callers=2, kept=False) as fresh:
        for number in range(reloads):
            kept.wait_for(requests // reloads)
            # Now the one, now the other, now both.
            limit, name = f"{64 + (number + 1) // 2}k", f"n{number // 2}"
            gateway.take_over(gateway.contents(max_body=limit, name=name))
            assert f"n{number // 2}.example" in names_told(gateway)
            body = b"x" * ((64 + (number + 1) // 2) * 1024)
            assert gateway.client().ask("POST", "/mcp", body=body).status == 200
            assert gateway.client().ask("POST", "/mcp", body=body + b"x").status == 413
        kept.wait_for(100)
    assert (dict(kept.failures), dict(fresh.failures)) == ({}, {})


def test_an_open_stream_goes_on_through_reloads(gateway: Gateway) -> None:
    connection = gateway.client().open()
    connection.request("POST", "/mcp", b"{}", {"X-Test": "stream"})
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    for number in range(2):
        gateway.take_over(gateway.contents(max_body=f"{70 + number}k"))
    gateway.parts.engine.execute(gateway.orchestrator, ("python3", "-c", GO))
    assert response.read() == b"\nsecond\n\n"
    connection.close()


def test_a_file_that_haproxy_does_not_accept_changes_nothing(gateway: Gateway) -> None:
    config, secrets = gateway.contents(max_body="70k")
    files = {**config.files, "haproxy.cfg": b"global\n    no-such-word\n"}
    with pytest.raises(NotHealthyError) as caught:
        gateway.take_over([replace(config, version="b" * 64, files=files), secrets])
    assert caught.value.code == "reload_refused"
    assert any("no-such-word" in line for line in caught.value.details)
    # Not even a restart finds it.
    gateway.parts.engine.restart_container(gateway.parts.started["gateway"], 12)
    wait_until(lambda: serves(gateway))
    assert gateway.client().ask("POST", "/mcp", body=b"x" * 65 * 1024).status == 413


def test_a_certificate_that_cannot_be_used_changes_nothing(gateway: Gateway) -> None:
    config, secrets = gateway.contents(name="b")
    broken = replace(secrets, version="c" * 64, files={**secrets.files, "gateway.pem": Secret(b"no key")})
    with pytest.raises(NotHealthyError) as caught:
        gateway.take_over([config, broken])
    assert caught.value.code == "reload_refused"
    assert "b.example" not in names_told(gateway)


def test_the_word_that_it_is_done_is_not_given_before_it_is(gateway: Gateway) -> None:
    """A reload that does not come about is found out: workers tell what they were started with."""
    service = gateway.parts.stack.service("gateway")
    assert service.reload is not None
    container = gateway.parts.started["gateway"]
    for one in gateway.contents(max_body="71k"):
        gateway.parts.engine.fill_volume(one, gateway.parts.stack.volume(one.volume), service.image)
    deaf = ("bash", "-c", "kill() { :; }; sleep() { :; }; source $0 reload", service.reload.apply[1])
    result = gateway.parts.engine.execute(container, deaf)
    assert (result.exit_code, "still works with" in result.output) == (1, True)
    assert gateway.parts.engine.execute(container, service.reload.apply).exit_code == 0
