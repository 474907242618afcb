"""Addresses and the key beside them."""

from pathlib import Path

import pytest

from docgenctl.endpoint import Endpoint
from docgenctl.model.errors import ConfigurationError, NotHealthyError


def endpoint(url: str = "https://localhost:8080/mcp", key: Path = Path("/state/api-key")) -> Endpoint:
    return Endpoint(url, Path("/state/ca/root.pem"), key)


def test_its_json_is_the_three_things_a_client_needs() -> None:
    assert endpoint().as_json() == {
        "url": "https://localhost:8080/mcp",
        "ca_file": "/state/ca/root.pem",
        "api_key_file": "/state/api-key",
    }


def test_host_port_and_path_are_read_from_the_url() -> None:
    assert (endpoint().host, endpoint().port, endpoint().path) == ("localhost", 8080, "/mcp")
    six = endpoint("https://[::1]/mcp/main")
    assert (six.host, six.port, six.path, six.authority) == ("::1", 443, "/mcp/main", "[::1]:443")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "http://localhost/mcp",
        "https:///mcp",
        "https://a:b/",
        "https://a:0/",
        "https://a/ b",
        "https://[::1",
    ],
)
def test_only_https_with_a_host_is_an_endpoint(url: str) -> None:
    with pytest.raises(ConfigurationError):
        endpoint(url)


def test_the_key_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("dgk_abc\n")
    assert endpoint(key=tmp_path / "api-key").read_key().reveal() == "dgk_abc"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"  ", b"dgk_a b", b"dgk_a\r\nX-Evil: 1", b"dgk_\xff", b"\x00"]
)
def test_what_cannot_be_sent_is_no_key_and_is_not_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "api-key").write_bytes(content)
    with pytest.raises(NotHealthyError, match="no API key") as error:
        endpoint(key=tmp_path / "api-key").read_key()
    assert "dgk_" not in error.value.message + error.value.hint


def test_a_missing_key_file_names_the_file_and_the_fix(tmp_path: Path) -> None:
    with pytest.raises(NotHealthyError, match=str(tmp_path / "api-key")) as error:
        endpoint(key=tmp_path / "api-key").read_key()
    assert error.value.code == "key_missing"
    assert "docgenctl up" in error.value.hint
