import hashlib
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from docgen_common.settings import ServerSettings
from docgen_github.client import Bounds, GitHubClient
from docgen_github.keypaths import KeyPaths

from tests.servers.github.emulator_process import InstallError, emulating, installed_emulator
from tests.servers.github.front import Front, fronting
from tests.servers.github.proxy import Proxy, proxying
from tests.servers.github.serving import served
from tests.servers.github.stand_in import StandIn
from tests.servers.github.world import World, a_world

#: Distinctive on purpose: no test may find it anywhere but in requests to the API.
TOKEN = "ghp_CANARY7f3a9c1e5b8d2f4a6c0e1b3d5f7a9c"
API_KEY = "dgk_" + "k" * 43

#: Small enough for a test that waits for them.
QUICK = Bounds(
    connect_s=1, read_s=0.4, total_s=1.5, wait_budget_s=1.2, first_pause_s=0.01, body_bytes=200_000
)

MakeSettings = Callable[..., ServerSettings]
MakeClient = Callable[..., GitHubClient]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _one_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    with served(stand_in.app) as port:
        stand_in.url = f"http://127.0.0.1:{port}"
        yield stand_in


@pytest.fixture
def github(_one_stand_in: StandIn) -> StandIn:
    _one_stand_in.reset()
    return _one_stand_in


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying() as running:
        yield running


@pytest.fixture
def make_client(github: StandIn) -> MakeClient:
    def make(api_url: str | None = None, *, token: str | None = TOKEN, **more: Any) -> GitHubClient:
        more.setdefault("bounds", QUICK)
        return GitHubClient(api_url or github.url, paths=KeyPaths("github"), token=lambda: token, **more)

    return make


@pytest.fixture
def make_settings(tmp_path: Path, github: StandIn) -> MakeSettings:
    """Settings as the container finds them: server.json, api-keys.json and the token in their folders."""

    def make(
        repositories: Any = ("octo/demo",), *, token: str | None = TOKEN, proxy: str = "", **options: Any
    ) -> ServerSettings:
        config, secrets = tmp_path / "config", tmp_path / "secrets"
        config.mkdir(exist_ok=True)
        secrets.mkdir(exist_ok=True)
        values = {"api_url": github.url, "repositories": repositories} | options
        (config / "server.json").write_text(json.dumps({"options": values}))
        key = {
            "id": "default",
            "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
            "scopes": ["*"],
            "created": "2026-11-22T00:00:00Z",
            "expires": None,
        }
        (secrets / "api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
        if token:
            (secrets / "github-token").write_text(token + "\n")
        return ServerSettings.from_environment(
            {
                "DOCGEN_SERVER": "github",
                "DOCGEN_CONFIG_DIR": str(config),
                "DOCGEN_SECRETS_DIR": str(secrets),
                "DOCGEN_EGRESS_PROXY": proxy,
                "MCP_LOG_LEVEL": "debug",
            }
        )

    return make


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """A GitHub that others wrote."""
    try:
        place = installed_emulator()
    except InstallError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the GitHub emulator could not be installed: {error}")
        pytest.skip("the GitHub emulator could not be installed; is there a network?")
    with emulating(place, _free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def front(emulator: str) -> Iterator[Front]:
    """What the emulator lacks, before it."""
    with fronting(emulator) as running:
        yield running


@pytest.fixture
def world(front: Front, emulator: str, make_settings: MakeSettings) -> Iterator[World]:
    """A fresh repository that the server may change."""
    with a_world(front, emulator, make_settings) as made:
        yield made


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def unused_port() -> Callable[[], int]:
    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return int(listener.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def https_github(_authority: tuple[Path, Path]) -> Iterator[StandIn]:
    stand_in = StandIn()
    with served(stand_in.app, cert=_authority[0], key=_authority[1]) as port:
        stand_in.url = f"https://127.0.0.1:{port}"
        yield stand_in


@pytest.fixture
def trust(_authority: tuple[Path, Path]) -> ssl.SSLContext:
    """Trusts the certificate of `https_github`, and no other."""
    return ssl.create_default_context(cafile=str(_authority[0]))
