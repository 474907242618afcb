"""The whole server with server.json as docgenctl renders it: models word, readiness tells of them."""

import json
from pathlib import Path

import httpx2
import pytest
from docgen_common.errors import SettingsError
from docgen_common.settings import ServerSettings
from docgen_main.server import build_app
from docgen_main.settings import MainSettings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from docgenctl.model.settings import Settings
from docgenctl.planning.resolve_models import model_options
from tests.servers.github.serving import served
from tests.servers.main.conftest import write_files
from tests.servers.main.language_models.vendors import Reply, Vendors

pytestmark = pytest.mark.anyio


def options(url: str) -> dict[str, object]:
    """What docgenctl writes for these settings."""
    settings = Settings.model_validate(
        {
            "models": {
                "providers": {
                    "compatible": {"type": "openai-compatible", "base_url": f"{url}/v1"},
                    "anthropic": {"key_secret": "missing-api-key"},
                },
                "chains": {"default": ["anthropic/big", "compatible/small"]},
                "budget": {"per_document_tokens": 100_000},
            }
        }
    )
    return dict(model_options(settings.models))


@pytest.fixture
def own(root: Path, tmp_path: Path) -> MainSettings:
    project = '[project]\nname = "shop"\ndescription = "Sells things to people."\n'
    write_files(root, {"pyproject.toml": project, "shop.py": '"""Sells things."""\n'})
    (tmp_path / "scratch").mkdir()
    (tmp_path / "data").mkdir()
    return MainSettings.from_environment(
        {
            "DOCGEN_WORKSPACE": str(root),
            "DOCGEN_SCRATCH": str(tmp_path / "scratch"),
            "DOCGEN_DATA": str(tmp_path / "data"),
        }
    )


async def test_a_document_is_worded_and_accounted_for(
    settings: ServerSettings, own: MainSettings, vendors: Vendors, root: Path, tmp_path: Path
) -> None:
    vendors.otherwise = Reply(_same_again)
    (settings.config_dir / "server.json").write_text(json.dumps({"options": options(vendors.url)}))
    with served(build_app(settings, own)) as port:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            ready = await http.get("/health/ready")
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            async with Client(transport) as client:
                tools = {tool.name: tool for tool in (await client.list_tools()).tools}
                result = await client.call_tool("docs_generate", {"kind": "readme"})
                other = await client.call_tool("docs_generate", {"kind": "readme", "model": "nobody/x"})
    checks = ready.json()["checks"]
    assert ready.status_code == 200  # a model that is missing closes nothing
    assert checks["model-compatible"]["ok"]
    assert checks["model-anthropic"] == {"ok": False, "detail": "it has no key (secret missing-api-key)"}
    assert tools["docs_generate"].annotations.open_world_hint is True  # it speaks to models now
    assert not result.is_error, result.content
    assert "compatible/small" in result.structured_content["models"]
    assert any(reason.startswith("anthropic/") for reason in result.structured_content["passed_over"])
    assert "Said anew." in (root / "docs/generated/README.md").read_text()
    assert other.is_error
    assert "default, anthropic/big, compatible/small, embedded" in str(other.content)
    (spent,) = (tmp_path / "data/spending").glob("*.jsonl")
    assert '"output": 40' in spent.read_text()


def test_options_that_nobody_can_mean_are_refused_at_start(
    settings: ServerSettings, own: MainSettings
) -> None:
    (settings.config_dir / "server.json").write_text(json.dumps({"options": {"models": {"providers": []}}}))
    with pytest.raises(SettingsError, match="options/models is not as docgenctl writes it"):
        build_app(settings, own)


def _same_again(prompt: str) -> str:
    lines = prompt.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("Heading of the section: "))
    return "\n".join(["Said anew.", *lines[begin + 1 : -1]])
