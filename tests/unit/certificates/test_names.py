"""What a certificate is valid for."""

from ipaddress import ip_address

import pytest

from docgenctl.certificates.names import subject_names
from docgenctl.model.errors import ConfigurationError


def test_names_and_addresses_are_told_apart_sorted_and_without_doubles() -> None:
    names = subject_names(["mcp.example.com", "LOCALHOST", "::1", "10.0.0.2", "10.0.0.2", "localhost."])
    assert names.dns == ("localhost", "mcp.example.com")
    assert names.addresses == (ip_address("10.0.0.2"), ip_address("::1"))


def test_an_ipv6_address_may_have_brackets_and_any_spelling() -> None:
    assert subject_names(["[::1]", "0:0::1"]).addresses == (ip_address("::1"),)


def test_one_leading_wildcard_is_a_name() -> None:
    assert subject_names(["*.Example.com"]).dns == ("*.example.com",)


def test_a_name_beyond_ascii_becomes_punycode() -> None:
    assert subject_names(["bücher.example"]).dns == ("xn--bcher-kva.example",)


@pytest.mark.parametrize(
    "hostname",
    [
        "",
        "*",
        "*.com",
        "a.*.example.com",
        "w*.example.com",
        ".example.com",
        "example..com",
        "-a.example.com",
        "a_b.example.com",
        "example.com:8080",
        "https://example.com",
        "exa mple.com",
        "example.com\n",
        "a\0b.example.com",
        "1.2.3.999",
        "a" * 64 + ".example.com",
        "a." * 127 + "com",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_what_a_certificate_cannot_vouch_for_is_an_error(hostname: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        subject_names([hostname])
    assert error.value.hint
