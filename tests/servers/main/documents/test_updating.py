"""Documents that people work on between two generations."""

from pathlib import Path

import pytest
from docgen_main.documents import KINDS, Brief, Generator, MadeDocument, MadeSection, Order, Records
from docgen_main.documents.writer import EMBEDDED, SectionRequest, SectionText, SectionWriter
from docgen_main.events import Hub
from docgen_main.workspace import DeniedError, Workspace

from tests.servers.main.conftest import write_files

pytestmark = pytest.mark.anyio

FILES = {
    "pyproject.toml": '[project]\nname = "pier"\nversion = "1.0"\n',
    "pier/__init__.py": '"""Boats."""\n\n\ndef moor():\n    """Tie up."""\n',
    "Makefile": "build: ## Build it\n",
    "LICENSE": "Permission is hereby granted, free of charge THE SOFTWARE IS PROVIDED",
}


class Counting:
    """A writer that says which sections it was asked to word."""

    models = (EMBEDDED,)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:
        return self

    async def write(self, request: SectionRequest) -> SectionText:
        self.asked.append(request.section)
        return SectionText(request.draft, model="test/model")


@pytest.fixture
def writer() -> Counting:
    return Counting()


@pytest.fixture
def document(root: Path) -> Path:
    write_files(root, FILES)
    return root / "docs/generated/README.md"


async def make(workspace: Workspace, writer: Counting, update: bool | None = None) -> MadeDocument:
    async def ignore(section: MadeSection) -> None:
        pass

    writer.asked.clear()
    order = Order(KINDS["readme"], workspace.generated("README.md"), Brief(), update=update)
    return await Generator(workspace, Hub(), writer).generate(order, ignore)


def states(made: MadeDocument) -> dict[str, str]:
    return {section.id: section.state for section in made.sections}


async def test_an_update_without_changes_writes_nothing(
    workspace: Workspace, writer: Counting, document: Path
) -> None:
    await make(workspace, writer)
    before, at = document.read_bytes(), document.stat().st_mtime_ns
    made = await make(workspace, writer, update=True)
    assert set(states(made).values()) == {"unchanged"}
    assert writer.asked == []
    assert (document.read_bytes(), document.stat().st_mtime_ns) == (before, at)


async def test_only_sections_with_new_facts_are_written(
    workspace: Workspace, writer: Counting, document: Path, root: Path
) -> None:
    await make(workspace, writer)
    (root / "Makefile").write_text("build: ## Build it well\n")
    made = await make(workspace, writer, update=True)
    assert writer.asked == ["commands"]
    assert states(made)["commands"] == "written"
    assert "Build it well" in document.read_text()


async def test_what_people_wrote_stays_wherever_it_is(
    workspace: Workspace, writer: Counting, document: Path, root: Path
) -> None:
    await make(workspace, writer)
    text = document.read_text().replace("## License\n", "## License\n\nAsk Ada first.\n")
    document.write_text("A word before.\n\n" + text + "\nA word after.\n")
    write_files(root, {"LICENSE": "Mozilla Public License 2.0", "Makefile": "ship: ## Ship it\n"})
    made = await make(workspace, writer, update=True)
    now = document.read_text()
    assert now.startswith("A word before.\n")
    assert "A word after." in now
    assert "Ask Ada first." in now
    assert "MIT" in now
    assert "Ship it" in now
    assert states(made)["license"] == "edited"
    again = await make(workspace, writer, update=True)
    assert states(again)["license"] == "edited"
    assert document.read_text() == now


async def test_a_section_that_people_took_out_stays_out(
    workspace: Workspace, writer: Counting, document: Path
) -> None:
    await make(workspace, writer)
    text = document.read_text()
    begin, end = text.index("<!-- docgen:begin layout"), text.index("<!-- docgen:end layout")
    document.write_text(text[:begin] + text[text.index("\n", end) :])
    for _ in range(2):
        made = await make(workspace, writer, update=True)
        assert made.dropped == ("layout",)
        assert "## Layout" not in document.read_text()


async def test_a_new_section_comes_where_the_kind_has_it_and_one_without_facts_goes(
    workspace: Workspace, writer: Counting, document: Path, root: Path
) -> None:
    (root / "Makefile").unlink()
    await make(workspace, writer)
    write_files(root, {"Makefile": "build: ## Build it\n"})
    await make(workspace, writer, update=True)
    now = document.read_text()
    assert now.index("# pier") < now.index("## Commands") < now.index("## Layout")
    (root / "Makefile").unlink()
    await make(workspace, writer, update=True)
    assert "## Commands" not in document.read_text()


async def test_an_edited_section_whose_facts_are_gone_stays_and_is_reported(
    workspace: Workspace, writer: Counting, document: Path, root: Path
) -> None:
    await make(workspace, writer)
    document.write_text(document.read_text().replace("Build it", "Build it on Fridays"))
    (root / "Makefile").unlink()
    made = await make(workspace, writer, update=True)
    assert made.orphans == ("commands",)
    assert "Build it on Fridays" in document.read_text()


async def test_making_it_anew_never_loses_what_people_wrote_unasked(
    workspace: Workspace, writer: Counting, document: Path
) -> None:
    await make(workspace, writer)
    await make(workspace, writer)
    document.write_text(
        document.read_text().replace("Tie up", "Tie up well").replace("## License", "## Terms")
    )
    with pytest.raises(DeniedError, match="section license"):
        await make(workspace, writer)
    assert "## Terms" in document.read_text()
    await make(workspace, writer, update=False)
    assert "## Terms" not in document.read_text()


async def test_a_document_of_people_or_of_another_kind_is_not_updated(
    workspace: Workspace, writer: Counting, document: Path
) -> None:
    document.write_text("# Mine\n")
    for update in (True, None):
        with pytest.raises(DeniedError, match="update to false"):
            await make(workspace, writer, update=update)
    assert document.read_text() == "# Mine\n"


async def test_what_somebody_writes_meanwhile_is_not_overwritten(
    workspace: Workspace, writer: Counting, document: Path
) -> None:
    async def meanwhile(section: MadeSection) -> None:
        document.write_text("# Quicker\n")

    order = Order(KINDS["readme"], workspace.generated("README.md"), Brief())
    with pytest.raises(DeniedError, match="read it again"):
        await Generator(workspace, Hub(), writer).generate(order, meanwhile)
    assert document.read_text() == "# Quicker\n"


async def test_a_record_says_who_wrote_each_section_from_which_sources(
    workspace: Workspace, writer: Counting, document: Path, root: Path, tmp_path: Path
) -> None:
    async def ignore(section: MadeSection) -> None:
        pass

    records = Records(str(tmp_path / "data" / "records"))
    generator = Generator(workspace, Hub(), writer, records)
    order = Order(KINDS["readme"], workspace.generated("README.md"), Brief("Pier"))
    await generator.generate(order, ignore)
    first = Records(str(tmp_path / "data" / "records")).find("docs/generated/README.md")
    assert first is not None
    assert (first.kind, first.title, first.models) == ("readme", "Pier", ["test/model"])
    commands = next(section for section in first.sections if section.id == "commands")
    assert [source.path for source in commands.sources] == ["Makefile"]
    write_files(root, {"Makefile": "build: ## Build it well\n"})
    order = Order(KINDS["readme"], workspace.generated("README.md"), Brief("Pier"), update=True)
    await generator.generate(order, ignore)
    second = records.find("docs/generated/README.md")
    assert second is not None
    license_before = next(section for section in first.sections if section.id == "license")
    license_after = next(section for section in second.sections if section.id == "license")
    assert license_after.written_at == license_before.written_at
    assert license_after.model == "test/model"
    after = next(section for section in second.sections if section.id == "commands")
    assert after.written_at > commands.written_at
    assert after.sources[0].sha256 != commands.sources[0].sha256
    assert records.find("docs/generated/OTHER.md") is None
