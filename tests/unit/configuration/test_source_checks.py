"""Where a server comes from: what can be written under `servers`, and what is refused (attack case 81)."""

import pytest

from docgenctl.model.server_sources import Package, is_private, is_reference, parse_package, source_of

from .conftest import Load, Mistakes

PACKAGE = "packages: ['pypi:mcp-server-time==2026.1.1']"
EXAMPLE = "https://mcp.example.com/mcp"


def entry(text: str) -> str:
    return f"servers: {{mine: {{{text}}}}}"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("image: main", {"kind": "built-in", "image": "main"}),
        (
            "image: 'ghcr.io/owner/name:1.2', container_port: 9000, path: /x",
            {"kind": "image", "image": "ghcr.io/owner/name:1.2"},
        ),
        (
            f"stdio: mcp-server-time --x y, {PACKAGE}",
            {
                "kind": "stdio",
                "command": "mcp-server-time --x y",
                "packages": ["pypi:mcp-server-time==2026.1.1"],
            },
        ),
        (
            f"url: '{EXAMPLE}', key_secret: my-api-key, ca_file: certs/ca.pem",
            {"kind": "url", "url": EXAMPLE},
        ),
    ],
)
def test_each_kind_of_source_is_read_and_told(load: Load, text: str, source: dict[str, object]) -> None:
    settings = load(entry(text)).settings.servers["mine"]
    assert source_of(settings, "mine") == source
    assert settings.of_others == (source["kind"] != "built-in")
    assert settings.image_name("mine") == ("adapter" if settings.of_others else "main")


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        (f"image: main, url: '{EXAMPLE}'", "url", "the server has image already", "keep one of both"),
        (f"stdio: x, {PACKAGE}, url: '{EXAMPLE}'", "url", "the server has stdio already", "keep one"),
        (f"url: '{EXAMPLE}', {PACKAGE}", "packages", "does not belong to this server", "it goes with stdio"),
        ("image: main, path: /x", "path", "does not belong", "an image of others, by reference"),
        (
            f"url: '{EXAMPLE}', container_port: 9000",
            "container_port",
            "does not belong",
            "an image of others",
        ),
        ("image: main, key_secret: my-api-key", "key_secret", "does not belong", "it goes with url"),
        ("image: main, data: true", "data", "does not belong", "image or stdio or url"),
        ("image: main, environment: {A: b}", "environment", "does not belong", "image or stdio or url"),
        (f"url: '{EXAMPLE}', environment: {{A: b}}", "environment", "a server elsewhere has none", "remove"),
        ("stdio: mcp-server-time", "stdio", "does not say which package it is from", "packages: ["),
        (
            "stdio: x, packages: ['pypi:a==1', 'npm:b@1.0.0']",
            "packages",
            "come from two registries",
            "make two servers of it",
        ),
        (
            f"stdio: x, {PACKAGE}, environment: {{TOKEN: ghp_0123456789abcdefghijABCDEFGHIJ012345}}",
            "environment/TOKEN",
            "looks like a secret",
            "write secrets: {TOKEN: my-api-key} and set MY_API_KEY",
        ),
    ],
)
def test_what_does_not_go_together_is_told_at_its_key(
    mistakes: Mistakes, text: str, where: str, message: str, hint: str
) -> None:
    (problem,) = mistakes(entry(text))
    assert problem.key_path == f"servers/mine/{where}"
    assert problem.message.startswith(message)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("npx -y x", "would fetch or start something else"),
        ("sh -c id", "would fetch or start something else"),
        ("/usr/bin/id", "is a path"),
        ("'x", "cannot be split into words"),
    ],
)
def test_a_command_is_a_program_of_its_packages_and_no_shell(
    mistakes: Mistakes, value: str, told: str
) -> None:
    (problem,) = mistakes(entry(f'stdio: "{value}", {PACKAGE}'))
    assert told in problem.message


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "NODE_OPTIONS", "PATH", "home", "DOCGEN_X"])
def test_no_variable_changes_what_runs(mistakes: Mistakes, name: str) -> None:
    for section in (f"environment: {{{name}: x}}", f"secrets: {{{name}: my-api-key}}"):
        (problem,) = mistakes(entry(f"stdio: x, {PACKAGE}, {section}"))
        assert "would change what runs" in problem.message


@pytest.mark.parametrize(
    "address",
    [
        "http://mcp.example.com/mcp",
        "https://user:word@mcp.example.com/mcp",
        "https://mcp.example.com/mcp#part",
        "https:///mcp",
        "https://mcp.example.com:0/mcp",
        "https://mcp.example.com:99999/mcp",
        "https://mcp.example.com/a b",
        "https://mcp.exämple.com/mcp",
        "https://localhost/mcp",
        "https://x.localhost./mcp",
        "https://printer.local/mcp",
        "https://metadata.google.internal/mcp",
        "https://127.0.0.1/mcp",
        "https://127.1/mcp",
        "https://0.0.0.0/mcp",
        "https://2130706433/mcp",
        "https://0x7f000001/mcp",
        "https://0x7f.1/mcp",
        "https://017700000001/mcp",
        "https://010.0.0.1/mcp",
        "https://example.0x1/mcp",
        "https://10.0.0.1./mcp",
        "https://169.254.169.254/mcp",
        "https://100.100.100.200/mcp",
        "https://224.0.0.1/mcp",
        "https://[::1]/mcp",
        "https://[::ffff:127.0.0.1]/mcp",
        "https://[::ffff:10.0.0.1]/mcp",
        "https://[64:ff9b::7f00:1]/mcp",
        "https://[2002:7f00:1::]/mcp",
        "https://[fd00:ec2::254]/mcp",
        "https://[fe80::1%25eth0]/mcp",
    ],
)
def test_addresses_that_lead_inside_or_hide_what_they_are_are_refused(
    mistakes: Mistakes, address: str
) -> None:
    allowed = "egress: {allow: ['127.0.0.1:443', '10.0.0.1:443', '169.254.169.254:443']}"
    (problem,) = mistakes(entry(f"url: '{address}', {allowed}"))
    assert problem.key_path == "servers/mine/url"
    assert problem.hint


@pytest.mark.parametrize("host", ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1"])
def test_a_private_address_needs_an_entry_of_the_allowlist_with_its_port(
    load: Load, mistakes: Mistakes, host: str
) -> None:
    (problem,) = mistakes(entry(f"url: 'https://{host}:8443/mcp', egress: {{allow: ['{host}']}}"))
    assert problem.message == f"{host} is an address of a private network"
    assert problem.hint == f"where that is meant, write egress: {{allow: [{host}:8443]}}"
    load(entry(f"url: 'https://{host}:8443/mcp', egress: {{allow: ['{host}:8443']}}"))


def test_private_is_judged_by_address_and_a_name_is_judged_where_it_is_looked_up() -> None:
    private = ["10.0.0.1", "[::1]", "::ffff:8.8.8.8", "2002:808:808::", "224.0.0.1", "100.64.0.1"]
    assert [host for host in private if not is_private(host)] == []
    assert [host for host in ("8.8.8.8", "2606:4700::1111", "ten.example") if is_private(host)] == []


def test_packages_are_exact_and_references_are_told_from_names() -> None:
    assert parse_package("pypi:a[b]==1.0") == Package("pypi", "a[b]", "1.0")
    assert str(parse_package("npm:@scope/name@1.2.3-rc.1")) == "npm:@scope/name@1.2.3-rc.1"
    for text in ("pypi:a", "pypi:a>=1", "npm:a@latest", "npm:a@^1", "git:a==1", "npm:../x@1.0.0"):
        with pytest.raises(ValueError, match="is no exact package"):
            parse_package(text)
    assert [is_reference(text) for text in ("main", None, "owner/name", "name:1")] == [
        False,
        False,
        True,
        True,
    ]
