"""TLS without sockets: both ends of a real OpenSSL handshake in memory."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docgenctl.certificates.authority import Authority, ensure_authority
from docgenctl.model.secret import Secret

Handshake = Callable[..., None]


@pytest.fixture
def now() -> datetime:
    """OpenSSL judges by the real clock, so tests of handshakes start from it."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def authority(state_dir: Path, now: datetime) -> Authority:
    return ensure_authority(state_dir, "shop-1a2b3c", now)


@pytest.fixture
def handshake(tmp_path: Path) -> Handshake:
    """Performs a handshake; raises ssl.SSLError as a client or server would."""

    def perform(
        pem: Secret, root_pem: bytes, hostname: str, *, context: ssl.SSLContext | None = None
    ) -> None:
        served = tmp_path / "served.pem"
        served.write_bytes(pem.reveal_bytes())
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(served)
        client_context = context or ssl.create_default_context(cadata=root_pem.decode())
        client_context.verify_flags |= ssl.VERIFY_X509_STRICT
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(to_client, to_server, server_hostname=hostname)
        server = server_context.wrap_bio(to_server, to_client, server_side=True)
        waiting = [client, server]
        while waiting:
            for end in list(waiting):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                waiting.remove(end)

    return perform
