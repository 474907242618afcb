"""How each document was made: kept beside the documents, in the data folder, and lost with it alone."""

import hashlib
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path as DataPath
from time import time

from pydantic import BaseModel, ValidationError

from docgen_main.documents.order import MadeDocument, MadeSection, Order

_RECORD_BYTES = 8 << 20
_SUFFIX = ".json"
#: records of so many documents are kept; those of documents long gone must not fill the data volume
RECORDS_MOST = 5_000
_LEFTOVER_SECONDS = 3600


class RecordedSource(BaseModel):
    """A source and the hash it had; with `count` above 1 one hash for so many files from this one on."""

    path: str
    sha256: str
    count: int = 1


class RecordedSection(BaseModel):
    """One section: who worded it when from what, and what that took.

    What was left as it was has the model, sources and cost of the generation that wrote it.
    """

    id: str
    title: str
    model: str
    written_at: datetime
    sources: list[RecordedSource]
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    passed_over: list[str] = []
    removed: list[str] = []


class Record(BaseModel):
    """How a document was made. `template_version` is 0 for kinds that are not of a user's template."""

    path: str
    uri: str
    kind: str
    title: str
    format: str
    made_at: datetime
    duration_ms: int
    bytes: int
    sha256: str
    template: str = ""
    template_version: int = 0
    answers: dict[str, str | int | float | bool | list[str]] = {}
    sections: list[RecordedSection]

    @property
    def models(self) -> list[str]:
        """Who worded it, each once."""
        return list(dict.fromkeys(section.model for section in self.sections if section.model))

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Path and hash of each source that is recorded one by one."""
        return [(one.path, one.sha256) for part in self.sections for one in part.sources if one.count == 1]

    @property
    def cost_usd(self) -> float | None:
        """What its sections cost together; None when the price of one is not known."""
        costs = [section.cost_usd for section in self.sections]
        return None if None in costs else sum(cost or 0.0 for cost in costs)


class Records:
    """The newest record of each document, one file each in `folder`; without a folder kept in memory."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = DataPath(folder) if folder else None
        self._memory: dict[str, str] = {}

    def save(self, order: Order, made: MadeDocument) -> Record:
        """Record that `made` came of `order`. Raises OSError when the disk refuses."""
        before = {section.id: section for section in (self.find(made.path) or _NONE).sections}
        record = _record(order, made, before)
        text = record.model_dump_json()
        if self._folder is None:
            self._memory[_name(made.path)] = text
        else:
            _write(self._folder, _name(made.path), text)
        return record

    def find(self, path: str) -> Record | None:
        """The record of the document at `path`, from the top of the workspace, or None."""
        name = _name(path)
        if self._folder is None:
            text = self._memory.get(name, "")
        else:
            try:
                with (self._folder / name).open("rb") as file:
                    text = file.read(_RECORD_BYTES).decode()
            except (OSError, UnicodeDecodeError):
                return None
        with suppress(ValidationError):
            record = Record.model_validate_json(text)
            return record if record.path == path else None
        return None


_NONE = Record(
    path="", uri="", kind="", title="", format="", made_at=datetime.fromtimestamp(0, UTC), duration_ms=0,
    bytes=0, sha256="", sections=[],
)  # fmt: skip


def _name(path: str) -> str:
    """Name of the file for `path`: a hash, so that no path of a client ever becomes a path here."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:40] + _SUFFIX


def _write(folder: DataPath, name: str, text: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        with part.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _keep_newest(folder)


def _keep_newest(folder: DataPath) -> None:
    """Drop the oldest records above the limit, and what killed writes left an hour ago or earlier."""
    with suppress(OSError), os.scandir(folder) as listing:
        found = sorted((item.stat().st_mtime, item.name) for item in listing)
        records = [name for _, name in found if name.endswith(_SUFFIX)]
        leftovers = [name for at, name in found if name.endswith(".part") and at < time() - _LEFTOVER_SECONDS]
        for name in (*records[: max(0, len(records) - RECORDS_MOST)], *leftovers):
            (folder / name).unlink(missing_ok=True)


def _record(order: Order, made: MadeDocument, before: dict[str, RecordedSection]) -> Record:
    now = datetime.now(UTC)
    return Record(
        path=made.path,
        uri=made.uri,
        kind=order.kind.name,
        title=order.brief.title,
        format=order.format,
        made_at=now,
        duration_ms=made.duration_ms,
        bytes=made.size,
        sha256=made.sha256,
        template=order.kind.template,
        template_version=order.kind.template_version,
        answers=dict(order.brief.answers),
        sections=[_section(section, now, before.get(section.id)) for section in made.sections],
    )


def _section(section: MadeSection, now: datetime, before: RecordedSection | None) -> RecordedSection:
    sources = [
        RecordedSource(path=source.path, sha256=source.sha256, count=source.count)
        for source in section.sources
    ]
    if section.state != "written" and before is not None:
        return before.model_copy(update={"sources": before.sources if section.state == "edited" else sources})
    return RecordedSection(
        id=section.id,
        title=section.title,
        model=section.model,
        written_at=now,
        sources=sources,
        input_tokens=section.usage.input_tokens,
        output_tokens=section.usage.output_tokens,
        cost_usd=section.usage.cost_usd,
        passed_over=list(section.passed_over),
        removed=list(section.removed),
    )
