"""The server as the container runs it: common app, real uvicorn, official clients of both eras."""

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from docgen_common.app import create_app
from docgen_common.errors import SettingsError
from docgen_common.settings import ServerSettings
from docgen_main.documents.marks import without_marks
from docgen_main.events import Hub
from docgen_main.server import build_app, build_server, open_workspace
from docgen_main.settings import MainSettings

from tests.servers.github.serving import served
from tests.servers.main.conftest import write_files
from tests.servers.main.served_clients import client_of
from tests.servers.main.slow_writer import Slow

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_sections_arrive_one_by_one_in_order_in_both_eras(
    port: int, root: Path, mode: Literal["auto", "legacy"]
) -> None:
    write_files(root, {f"pkg{n}/__init__.py": f'"""Package {n}."""\ndef f{n}(): ...\n' for n in range(12)})
    heard: list[dict[str, Any]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append(json.loads(message or ""))
        assert done == len(heard)

    async with client_of(port, mode) as client:
        result = await client.call_tool(
            "docs_generate", {"kind": "api-reference"}, progress_callback=progress
        )
        text = (await client.read_resource("docs://generated/API-REFERENCE.md")).contents[0]
    assert not result.is_error
    assert result.structured_content is not None
    assert [message["section"] for message in heard] == result.structured_content["sections"]
    assert [message["index"] for message in heard] == list(range(len(heard)))
    assert "\n".join(message["markdown"] for message in heard) == without_marks(getattr(text, "text", ""))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_lists_reads_and_writes(
    port: int, root: Path, mode: Literal["auto", "legacy"]
) -> None:
    async with client_of(port, mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"docs_kinds", "docs_generate", "docs_list", "files_list", "files_read"} <= names
        written = await client.call_tool("files_write", {"path": "docs/generated/x.txt", "content": "hello"})
        assert not written.is_error
        read = await client.call_tool("files_read", {"path": "docs/generated/x.txt"})
        denied = await client.call_tool("files_read", {"path": "../outside/secret"})
    assert read.structured_content is not None
    assert read.structured_content["content"] == "hello"
    assert denied.is_error
    assert (root / "docs/generated/x.txt").read_text() == "hello"


async def test_readiness_names_what_is_wrong(port: int, tmp_path: Path) -> None:
    async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http:
        good = await http.get("/health/ready")
        (tmp_path / "scratch").rmdir()
        await asyncio.sleep(1.1)  # the answer is remembered for a second
        bad = await http.get("/health/ready")
        assert (await http.get("/health")).status_code == 200
    assert good.status_code == 200
    assert set(good.json()["checks"]) == {"workspace", "output", "scratch"}
    assert bad.status_code == 503
    assert bad.json()["checks"]["scratch"]["ok"] is False
    assert str(tmp_path) not in bad.text


async def test_a_read_only_output_folder_makes_the_server_not_ready_but_alive(
    settings: ServerSettings, own: MainSettings, root: Path
) -> None:
    output = root / "docs" / "generated"
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "readonly", str(output)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        with served(build_app(settings, own)) as port:
            async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http:
                ready = await http.get("/health/ready")
            async with client_of(port, "auto") as client:
                said = await client.call_tool("docs_generate", {"kind": "readme"})
                listing = await client.call_tool("files_list", {"path": "src"})
    finally:
        subprocess.run(["umount", str(output)], check=True)
    assert ready.status_code == 503
    assert "read-only" in ready.json()["checks"]["output"]["detail"]
    assert said.is_error
    assert "read-only" in str(said.content)
    assert not listing.is_error


async def test_health_answers_while_a_big_document_is_made(port: int, root: Path) -> None:
    module = "".join(f'def f{n}(a: int, b: str = "x") -> None:\n    """Does {n}."""\n\n' for n in range(300))
    write_files(root, {f"p{n}/m{m}.py": module for n in range(20) for m in range(8)})
    waits: list[float] = []
    async with (
        httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http,
        client_of(port, "auto") as client,
    ):
        making = asyncio.create_task(client.call_tool("docs_generate", {"kind": "api-reference"}))
        while not making.done():
            begun = time.monotonic()
            assert (await http.get("/health")).status_code == 200
            waits.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)
        assert not (await making).is_error
    assert len(waits) > 5
    assert max(waits) < 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_cancelled_call_of_either_era_stops_the_work_within_a_second(
    settings: ServerSettings, own: MainSettings, root: Path, mode: Literal["auto", "legacy"]
) -> None:
    hub = Hub()
    server = build_server(open_workspace(own), settings.server, hub=hub, writers=Slow())
    with served(create_app(server, settings)) as port, hub.subscribe() as events:
        async with client_of(port, mode) as client:
            calling = asyncio.create_task(client.call_tool("docs_generate", {"kind": "readme"}))
            async with asyncio.timeout(10):
                async for event in events:
                    if event.type == "document.started":
                        break
            begun = time.monotonic()
            calling.cancel()
            async with asyncio.timeout(10):
                async for event in events:
                    if event.type == "document.failed":
                        break
            took = time.monotonic() - begun
    assert event.data["reason"] == "cancelled"
    assert took < 1
    assert not (root / "docs/generated/README.md").exists()


async def test_leftovers_of_a_killed_write_are_swept_at_start(
    settings: ServerSettings, own: MainSettings, root: Path
) -> None:
    (root / "docs/generated/.docgen-part-0123").write_text("half")
    build_app(settings, own)
    assert not (root / "docs/generated/.docgen-part-0123").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"DOCGEN_WORKSPACE": "relative"},
        {"DOCGEN_WORKSPACE": "/does/not/exist"},
        {"DOCGEN_OUTPUT": "/etc"},
        {"DOCGEN_OUTPUT": "../x"},
        {"DOCGEN_OUTPUT": "."},
        {"DOCGEN_WRITABLE": "yes"},
    ],
)
async def test_settings_that_cannot_be_meant_are_refused_at_start(
    settings: ServerSettings, root: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(SettingsError):
        build_app(settings, MainSettings.from_environment({"DOCGEN_WORKSPACE": str(root), **wrong}))
