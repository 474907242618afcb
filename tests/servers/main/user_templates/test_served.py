"""Templates over HTTP, as the container serves them: both protocol eras, a key, secrets in reach."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from docgen_common.settings import ServerSettings
from docgen_main.server import build_app
from docgen_main.settings import MainSettings

from tests.servers.github.serving import served as serving
from tests.servers.main.served_clients import client_of

pytestmark = pytest.mark.anyio
CANARY = "served-canary-31f0"


@pytest.fixture
def again(settings: ServerSettings, own: MainSettings) -> Iterator[int]:
    """A second server on the same folders."""
    with serving(build_app(settings, own)) as found:
        yield found


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_keeps_templates_and_hostile_ones_harm_nobody(
    monkeypatch: pytest.MonkeyPatch, port: int, mode: Literal["auto", "legacy"]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    hostile = [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% include '../../secrets/api-keys.json' %}",
        "{{ env }}",
        "{% if %}",
        "x" * (1 << 20),
    ]
    async with client_of(port, mode) as client:
        made = await client.call_tool("templates_create", {"name": f"t-{mode}", "source": "{{ title }}"})
        assert not made.is_error, made.content
        for source in hostile:
            begun = time.monotonic()
            answer = await client.call_tool("templates_preview", {"source": source})
            assert answer.is_error
            assert time.monotonic() - begun < 6
            assert CANARY not in str(answer)
            assert "sha256" not in str(answer.content)
        history = await client.call_tool("templates_history", {"name": f"t-{mode}"})
        rendered = await client.call_tool("templates_render", {"name": f"t-{mode}", "title": "7 * 7"})
    assert (history.structured_content or {})["versions"][0]["by"] == "default"
    assert (rendered.structured_content or {})["markdown"] == "7 \\* 7\n"


async def test_templates_are_there_after_a_new_start(
    request: pytest.FixtureRequest, port: int, tmp_path: Path
) -> None:
    async with client_of(port, "auto") as client:
        await client.call_tool("templates_create", {"name": "kept", "source": "kept"})
    (tmp_path / "templates" / ".docgen-part-dead").mkdir()
    (tmp_path / "templates" / ".docgen-part-dead" / "000001.json").write_text("half")
    again = request.getfixturevalue("again")
    async with client_of(again, "auto") as client:
        shown = await client.call_tool("templates_show", {"name": "kept"})
    assert (shown.structured_content or {})["source"] == "kept"
    assert not (tmp_path / "templates" / ".docgen-part-dead").exists()
