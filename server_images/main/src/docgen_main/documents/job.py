"""The making of one document: facts and drafts in a thread, a unit at a time; wording on the event loop."""

import hashlib
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import anyio.to_thread

from docgen_main.documents.drafts import Draft, drafts
from docgen_main.documents.known_names import KnownNames
from docgen_main.documents.marks import (
    Marked,
    MarkedDocument,
    digest,
    mark,
    read_marks,
    without_marks,
    write_marks,
)
from docgen_main.documents.merging import Merge
from docgen_main.documents.order import MadeDocument, MadeSection, Order, State
from docgen_main.documents.provenance import Provenance
from docgen_main.documents.writer import EmbeddedWriter, SectionRequest, SectionWriter
from docgen_main.events import Hub
from docgen_main.facts import Project
from docgen_main.html import page
from docgen_main.workspace import DeniedError, MissingError, Workspace, display

OnSection = Callable[[MadeSection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """One order being carried out; `told` is what every event about it says."""

    workspace: Workspace
    hub: Hub
    writer: SectionWriter
    order: Order
    told: Mapping[str, str]

    async def run(self, project: Project, on_section: OnSection) -> MadeDocument:
        """Make and write the document. Raises as `Generator.generate` does."""
        present = await anyio.to_thread.run_sync(self._present)
        merge = Merge(self._old(present))
        made = await self._sections(project, merge, on_section)
        content = await self._content(merge)
        await anyio.to_thread.run_sync(self._write, content, present)
        return MadeDocument(
            path="/".join(self.order.target),
            uri=self.told["uri"],
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            sections=tuple(made),
            dropped=tuple(merge.dropped),
            orphans=tuple(section.id for section in merge.orphans),
            skipped=project.skipped,
            duration_ms=0,
        )

    async def _content(self, merge: Merge) -> bytes:
        marked = write_marks(self.order.kind.name, merge.sections, merge.parts())
        if self.order.format != "html":
            return marked.encode()
        stopped = threading.Event()
        try:
            return await anyio.to_thread.run_sync(
                lambda: page(without_marks(marked), stopped=stopped), abandon_on_cancel=True
            )
        finally:
            stopped.set()

    def _present(self) -> bytes | None:
        with suppress(MissingError):
            return self.workspace.read(self.order.target, limit=self.workspace.limits.file_bytes)
        return None

    def _write(self, content: bytes, present: bytes | None) -> None:
        """Write unless nothing changed, or somebody else wrote meanwhile."""
        if content != present:
            expected = "absent" if present is None else hashlib.sha256(present).hexdigest()
            self.workspace.write(self.order.target, content, expected_sha256=expected)

    def _old(self, present: bytes | None) -> MarkedDocument | None:
        """What is to be kept of the present document, or None to make it anew."""
        if present is None or self.order.update is False or self.order.format == "html":
            return None
        found = read_marks(present.decode(errors="replace"))
        shown, wanted = display(self.order.target), self.order.kind.name
        if (found.people_wrote and not found.kind) or (self.order.update and found.kind != wanted):
            said = f"a document of kind {found.kind}" if found.kind else "not a generated document"
            raise DeniedError(
                f"{shown} is {said}: set update to false to replace it, or give another path", rule="kind"
            )
        if self.order.update:
            return found
        if found.people_wrote:
            raise DeniedError(
                f"{shown} has what people wrote ({found.people_wrote}): set update to true to keep it, to "
                "false to make the document anew, or give another path",
                rule="edited",
            )
        return None

    async def _sections(
        self, project: Project, merge: Merge, on_section: OnSection
    ) -> tuple[MadeSection, ...]:
        made: list[tuple[MadeSection, Draft]] = []
        parts = drafts(self.order.kind, project, self.order.brief)
        while (draft := await anyio.to_thread.run_sync(_next, parts, abandon_on_cancel=True)) is not None:
            if merge.is_removed(draft.id):
                continue
            facts_hash = digest(f"{self.order.kind.name}\n{draft.markdown}")
            kept = merge.kept(draft.id, facts_hash)
            section = _kept(draft, kept) if kept else await self._written(draft, project)
            section = replace(section, index=len(made), total=draft.total - len(merge.dropped))
            merge.put(kept or mark(draft.id, section.markdown, facts_hash))
            made.append((section, draft))
            self._publish(section)
            await on_section(section)
        return await anyio.to_thread.run_sync(self._traced, project, made, abandon_on_cancel=True)

    async def _written(self, draft: Draft, project: Project) -> MadeSection:
        text = await self.writer.write(
            SectionRequest(
                kind=self.order.kind.name,
                document=self.order.brief.title or self.order.kind.title,
                section=draft.id,
                title=draft.section.title,
                draft=draft.markdown,
                known=await self._known_names(project),
                guidance=draft.section.guidance,
            )
        )
        return MadeSection(
            draft.id,
            draft.section.title,
            text.markdown,
            draft.index,
            draft.total,
            "written",
            model=text.model,
            usage=text.usage,
            passed_over=text.passed_over,
            removed=text.removed,
        )

    async def _known_names(self, project: Project) -> KnownNames:
        """What a model may name; facts need no leave, and the first section does not wait for all of them."""
        if isinstance(self.writer, EmbeddedWriter):
            return KnownNames()
        return await anyio.to_thread.run_sync(lambda: project.known_names, abandon_on_cancel=True)

    def _publish(self, section: MadeSection) -> None:
        self.hub.publish(
            "document.section",
            owner=self.order.owner,
            **self.told,
            section=section.id,
            title=section.title,
            index=section.index,
            total=section.total,
            state=section.state,
            model=section.model,
        )

    def _traced(self, project: Project, made: list[tuple[MadeSection, Draft]]) -> tuple[MadeSection, ...]:
        """The sections with their sources: hashed last, so that no reader waits for it."""
        provenance = Provenance(self.workspace, project, self.order.brief.answers)
        return tuple(
            replace(section, sources=provenance.of(draft.section.sources())) for section, draft in made
        )


def _next(parts: Iterator[Draft]) -> Draft | None:
    return next(parts, None)


def _kept(draft: Draft, kept: Marked) -> MadeSection:
    state: State = "edited" if kept.edited else "unchanged"
    return MadeSection(
        draft.id, draft.section.title, kept.text + "\n", draft.index, draft.total, state, model=""
    )
