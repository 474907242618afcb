"""Orders at the same time."""

import asyncio
from pathlib import Path

import pytest
from docgen_main.documents import KINDS, Brief, Generator, MadeSection, Order
from docgen_main.documents.writer import (
    EMBEDDED,
    EmbeddedWriter,
    SectionRequest,
    SectionText,
    SectionWriter,
)
from docgen_main.events import Hub
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import MakeWorkspace, write_files

pytestmark = pytest.mark.anyio


class Slow:
    """A model that words nothing until it is let go."""

    models = (EMBEDDED, "slow/model")

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:
        return self if model == "slow/model" else EmbeddedWriter()

    async def write(self, request: SectionRequest) -> SectionText:
        self.asked += 1
        await self.go.wait()
        return SectionText(request.draft, model="slow/model")


async def ignore(section: MadeSection) -> None:
    pass


def order(workspace: Workspace, number: int, model: str) -> Order:
    return Order(KINDS["readme"], workspace.generated(f"{number}.md"), Brief(), model=model)


async def test_documents_of_facts_do_not_wait_for_those_that_wait_for_models(
    root: Path, make_workspace: MakeWorkspace
) -> None:
    write_files(root, {"pyproject.toml": '[project]\nname = "pier"\n'})
    workspace, slow = make_workspace(), Slow()
    generator = Generator(workspace, Hub(), slow)
    waiting = [
        asyncio.ensure_future(generator.generate(order(workspace, number, "slow/model"), ignore))
        for number in range(12)
    ]
    async with asyncio.timeout(20):
        while slow.asked < 8:
            await asyncio.sleep(0.01)
        made = await generator.generate(order(workspace, 99, EMBEDDED), ignore)
        assert made.sections
        assert slow.asked == 8
        slow.go.set()
        assert len(await asyncio.gather(*waiting)) == 12
