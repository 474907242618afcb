"""Servers of others join a running stack: from PyPI, from npm, as images, by address."""

import asyncio
import contextlib
import io
import json
import tarfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from docker import APIClient

from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Door, Stack

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("foreign_server.py")
PYTHON = "/opt/docgen/venv/bin/python"
ONLY_MAIN = {"servers": {"github": {"enabled": False}}}
OUTSIDE, ELSEWHERE = "mcp.outside.test", "mcp.elsewhere.test"
TOKEN = "tok-of-the-outside-000000000000"


def tools_of(stack: Stack) -> set[str]:
    return {tool["name"] for tool in stack.ok("tools", "list", "--json").document}


def call(stack: Stack, tool: str, *arguments: str) -> Any:
    return stack.ok("tools", "call", tool, *arguments, "--json").document


def servers(stack: Stack) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in stack.ok("servers", "list", "--json").document}


def test_packages_of_pypi_and_npm_join_leave_and_disturb_nobody(workspace: MakeStack) -> None:
    stack = workspace(word="packages", settings=ONLY_MAIN)
    stack.up()
    before = stack.containers()

    added = stack.ok(
        "servers", "add", "time", "--stdio", "uvx mcp-server-time", "--json", timeout=600
    ).document
    assert added["up"]
    assert added["packages"][0].startswith("pypi:mcp-server-time==")
    memory = ("servers", "add", "memory", "--stdio", "npx -y @modelcontextprotocol/server-memory", "--data")
    stack.ok(*memory, "--env", "MEMORY_FILE_PATH=/var/lib/docgen/memory.jsonl", timeout=600)

    assert {"convert_time", "read_graph"} <= tools_of(stack)
    converted = call(stack, "convert_time", "source_timezone=UTC", "time=12:00", "target_timezone=Asia/Tokyo")
    assert "21:00" in json.dumps(converted)
    entity = 'entities:=[{"name": "kept", "entityType": "t", "observations": ["o"]}]'
    assert not call(stack, "create_entities", entity).get("isError")

    after = stack.containers()
    assert {name: after[name] for name in before} == before
    assert {name: row["tools"] for name, row in servers(stack).items() if name != "main"} == {
        "github": None,
        "memory": 9,
        "time": 2,
    }
    assert stack.run("prove").exit_code == 0

    stack.ok("servers", "remove", "time", "--yes")
    assert "convert_time" not in tools_of(stack)
    assert set(stack.containers()) == {*before, "memory"}
    assert [path.name for path in (stack.directory / "docgen.lock.d").iterdir()] == [
        "memory.package-lock.json"
    ]

    stack.ok("servers", "remove", "memory", "--yes")
    assert stack.containers() == before
    stack.ok(*memory, "--env", "MEMORY_FILE_PATH=/var/lib/docgen/memory.jsonl", timeout=600)
    assert "kept" in json.dumps(call(stack, "read_graph")), "data outlives its server"
    stack.ok("servers", "remove", "memory", "--volumes", "--yes")
    kept = [volume.name for volume in stack.engine.observe(stack.project).volumes]
    assert not [name for name in kept if "memory" in name]


@pytest.mark.anyio
async def test_streams_outlive_servers_that_come_and_go(workspace: MakeStack, foreign_image: str) -> None:
    stack = workspace(word="streams", settings=ONLY_MAIN)
    add = ("servers", "add", "counter", "--image", foreign_image, "--container-port", "9100")
    await asyncio.to_thread(stack.up)
    await asyncio.to_thread(stack.ok, *add, timeout=600)
    door = Door.of(await asyncio.to_thread(stack.endpoint))
    seen: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async def come_and_go() -> None:
        other = ("servers", "add", "time", "--stdio", "uvx mcp-server-time")
        await asyncio.to_thread(stack.ok, *other, timeout=600)
        await asyncio.to_thread(stack.ok, "servers", "remove", "time", "--yes")

    told: list[str] = []

    async def note(events: AsyncIterator[Any]) -> None:
        async for event in events:
            told.append(type(event).__name__)  # noqa: PERF401 - the stream does not end

    async with door.client() as client, client.listen(tools_list_changed=True) as events:
        counting = asyncio.create_task(
            client.call_tool("foreign_count", {"to": 600}, progress_callback=on_progress)
        )
        listening = asyncio.create_task(note(events))
        await come_and_go()
        assert seen, "the call runs"
        assert not counting.done(), "it outlasts both changes"
        result = await asyncio.wait_for(counting, 120)
        assert not listening.done(), "the listener's stream is the one it began with"
        listening.cancel()
    assert result.structured_content == {"result": 600}
    assert seen == [float(number) for number in range(1, 601)], "no step of it was lost"
    assert "ToolsListChanged" in told


def test_a_server_that_does_not_get_healthy_leaves_file_and_stack_as_they_were(workspace: MakeStack) -> None:
    stack = workspace(word="undone", settings=ONLY_MAIN)
    stack.up()
    before, text = stack.containers(), (stack.directory / "docgen.yaml").read_bytes()

    wrong = ("--stdio", "mcp-server-nowhere", "--package", "pypi:mcp-server-time")
    failed = stack.run("servers", "add", "time", *wrong, "--timeout", "15", timeout=600)
    assert failed.exit_code == 5, failed
    assert "there is no program mcp-server-nowhere" in failed.stderr
    absent = stack.run("servers", "add", "ghost", "--image", "registry.invalid/ghost:1")
    assert absent.exit_code == 4, absent
    assert "registry.invalid/ghost:1" in absent.stderr
    unknown = stack.run("servers", "add", "ghost", "--stdio", "mcp-server-that-nobody-published-ever")
    assert unknown.exit_code == 4, unknown

    assert (stack.directory / "docgen.yaml").read_bytes() == text
    assert not (stack.directory / "docgen.lock.d").exists()
    assert stack.containers() == before
    assert stack.ok("plan", "--json").document["steps"] == []


def test_an_image_of_others_is_kept_apart_like_ours(
    workspace: MakeStack, foreign_image: str, api: APIClient
) -> None:
    stack = workspace(word="image", settings=ONLY_MAIN)
    stack.up()
    add = ("servers", "add", "foreign", "--image", foreign_image, "--container-port", "9100")
    stack.ok(*add, "--env", "MODE=quiet", timeout=600)

    found = call(stack, "foreign_variables", 'names:=["MODE", "DOCGEN_SERVER", "MCP_ENV"]')
    assert found["structuredContent"] == {"MODE": True, "DOCGEN_SERVER": False, "MCP_ENV": False}
    origin = api.inspect_container(stack.containers()["foreign-origin"])
    host = origin["HostConfig"]
    assert origin["Config"]["User"] == "10001:10001"
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert not host["Binds"]
    assert list(origin["NetworkSettings"]["Networks"]) == [f"{stack.project}_mcp-foreign"]
    reach = "import socket,json;\ntry:\n socket.create_connection(('main', 8000), 2); print('true')\n"
    reach += "except OSError: print('false')"
    assert stack.python_inside("foreign-origin", reach) is False
    inspected = stack.ok("servers", "inspect", "foreign", "--json").document
    assert [one["service"] for one in inspected["containers"]] == ["foreign-origin", "foreign"]
    assert inspected["network"]["closed"] is True


def test_an_address_is_reached_by_tls_with_its_key_and_only_where_it_is_meant(
    workspace: MakeStack, foreign_image: str, api: APIClient, tmp_path: Path
) -> None:
    stack = workspace(word="address", settings=ONLY_MAIN, environ={"WIKI_API_KEY": TOKEN})
    stack.up()
    with outside(stack, api, foreign_image, tmp_path) as container:
        (stack.directory / "ca.pem").write_bytes((tmp_path / "tls.crt").read_bytes())
        url = ("--url", f"https://{OUTSIDE}:8443/mcp", "--ca-file", "ca.pem", "--key-secret", "wiki-api-key")
        # The name leads to a private address: refused by the proxy, whatever the name is.
        refused = stack.run("servers", "add", "wiki", *url, "--timeout", "10", timeout=600)
        assert refused.exit_code == 5, refused
        assert "the egress proxy did not let it through" in refused.stderr
        assert b"REQUEST" not in api.logs(container)

        stack.ok("servers", "add", "wiki", *url, "--allow", f"{OUTSIDE}:8443", "--timeout", "60")
        assert call(stack, "foreign_echo", "say=hello")["structuredContent"] == {"result": "hello"}
        said = api.logs(container).decode()
        assert "REQUEST /mcp right" in said
        assert "wrong" not in said
        networks = api.inspect_container(stack.containers()["orchestrator"])["NetworkSettings"]["Networks"]
        assert f"{stack.project}_mcp-egress" not in networks

        secret = [line["text"] for line in stack.logs() if TOKEN in line["text"]]
        assert secret == []
        inspected = json.dumps(api.inspect_container(stack.containers()["wiki"]))
        assert TOKEN not in inspected
        assert TOKEN not in (stack.directory / "docker-compose.mcp.yml").read_text()


def test_a_redirect_to_a_private_address_is_not_followed_even_where_the_proxy_would_let_it_through(
    workspace: MakeStack, foreign_image: str, api: APIClient, tmp_path: Path
) -> None:
    stack = workspace(word="moved", settings=ONLY_MAIN)
    stack.up()
    elsewhere = f"https://{ELSEWHERE}:8443/mcp"
    with (
        outside(stack, api, foreign_image, tmp_path, moved_to=elsewhere) as moved,
        outside(stack, api, foreign_image, tmp_path, alias=ELSEWHERE) as private,
    ):
        (stack.directory / "ca.pem").write_bytes((tmp_path / "tls.crt").read_bytes())
        allow = ("--ca-file", "ca.pem", "--allow", f"{OUTSIDE}:8443", "--allow", f"{ELSEWHERE}:8443")
        wiki = ("servers", "add", "wiki", "--url", f"https://{OUTSIDE}:8443/moved", *allow)
        refused = stack.run(*wiki, "--timeout", "10", timeout=600)
        assert refused.exit_code == 5, refused
        assert "it redirects, which is not followed" in refused.stderr
        assert b"REQUEST /moved" in api.logs(moved)
        assert b"REQUEST" not in api.logs(private)
        assert [line["text"] for line in stack.logs("egress") if ELSEWHERE in line["text"]] == []

        stack.ok("servers", "add", "direct", "--url", elsewhere, *allow, "--timeout", "60")
        assert b"REQUEST /mcp" in api.logs(private), "it is there, and the proxy lets through who asks for it"


def test_no_endpoint_takes_a_command(running_stack: Stack, door: Door) -> None:
    body = {"name": "evil", "command": "sh", "args": ["-c", "id"], "env": {}, "stdio": "sh -c id"}
    with door.http() as http:
        for path in ("/servers", "/mcp/servers", "/api/servers", "/config", "/mcp/main/config", "/admin"):
            for method in ("POST", "PUT", "PATCH"):
                assert http.request(method, path, json=body).status_code in (400, 404, 405), (method, path)
    assert "evil" not in running_stack.containers()


@pytest.fixture(scope="session")
def foreign_image(running_stack: Stack, api: APIClient) -> Iterator[str]:
    """An image with a server of somebody else in it, made of one of ours for its Python."""
    base = api.inspect_container(running_stack.containers()["orchestrator"])["Config"]["Image"]
    recipe = f"FROM {base}\nUSER root\nCOPY foreign_server.py /srv/\n"
    recipe += f'CMD ["{PYTHON}", "/srv/foreign_server.py", "9100", "--old"]\n'
    tag = f"docgenctl-test/foreign:{uuid.uuid4().hex[:8]}"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, data in (("Dockerfile", recipe.encode()), ("foreign_server.py", PROGRAM.read_bytes())):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    context.seek(0)
    for _ in api.build(fileobj=context, custom_context=True, tag=tag, rm=True, decode=True):
        continue
    yield tag
    with contextlib.suppress(Exception):
        api.remove_image(tag)


@contextlib.contextmanager
def outside(
    stack: Stack, api: APIClient, image: str, folder: Path, *, alias: str = OUTSIDE, moved_to: str = ""
) -> Iterator[str]:
    """The same server on the network that leads outside, over TLS and, by its first name, behind a key."""
    if not (folder / "tls.key").exists():
        certify(folder)
    network = f"{stack.project}_mcp-egress"
    token = TOKEN if alias == OUTSIDE else ""
    made = api.create_container(
        image,
        [
            PYTHON,
            "/srv/foreign_server.py",
            "8443",
            "/srv/tls.crt",
            "/srv/tls.key",
            token,
        ],
        environment={"MOVED_TO": moved_to},
        host_config=api.create_host_config(network_mode=network),
        networking_config=api.create_networking_config(
            {network: api.create_endpoint_config(aliases=[alias])}
        ),
        user="10001",
    )["Id"]
    try:
        api.put_archive(made, "/srv", archive_of(folder, "tls.crt", "tls.key"))
        api.start(made)
        deadline = time.monotonic() + 30
        while b"READY" not in api.logs(made):
            assert time.monotonic() < deadline, api.logs(made)
            time.sleep(0.1)
        yield made
    finally:
        api.remove_container(made, force=True, v=True)


def archive_of(folder: Path, *names: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            archive.add(folder / name, name)
    return stream.getvalue()


def certify(folder: Path) -> None:
    """A certificate for the names outside, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(OUTSIDE), x509.DNSName(ELSEWHERE)]
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "outside")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(private)
    for file in ("tls.crt", "tls.key"):
        (folder / file).chmod(0o644)
