"""Makes documents: facts and drafts in a thread, a unit at a time; wording and telling on the event loop.

Needs no request: a tool call, a task that outlives its client, and a test use it alike.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.to_thread
import structlog

from docgen_main.documents.address import uri_of
from docgen_main.documents.job import Job, OnSection
from docgen_main.documents.order import MadeDocument, Order
from docgen_main.documents.records import Records
from docgen_main.documents.writer import EmbeddedWriter, EmbeddedWriters, UnknownModelError, Writers
from docgen_main.events import Hub
from docgen_main.facts import Budget, Project
from docgen_main.html import PageError
from docgen_main.user_templates.errors import TemplateError
from docgen_main.workspace import Workspace, WorkspaceError, display

OpenProject = Callable[[Budget], Project]

_AT_ONCE = 2
_WORDED_AT_ONCE = 8
_log = structlog.stdlib.get_logger("docgen.documents")


class Generator:
    """Makes documents of one workspace: two at a time, and besides eight that models word.

    Those wait for models most of the time, and must not keep others waiting.
    """

    def __init__(
        self,
        workspace: Workspace,
        hub: Hub,
        writers: Writers | None = None,
        records: Records | None = None,
        open_project: OpenProject | None = None,
    ) -> None:
        self._workspace = workspace
        self._hub = hub
        self._writers = writers or EmbeddedWriters()
        self._records = records or Records()
        self._open_project = open_project or (lambda budget: Project(workspace, budget))
        self._rooms: dict[bool, anyio.CapacityLimiter] = {}

    async def generate(self, order: Order, on_section: OnSection) -> MadeDocument:
        """Make and write a document; `on_section` hears of each section once, when it is complete.

        Stops soon after it is cancelled, and has written nothing then. Raises `WorkspaceError` when the
        document cannot be written, or would lose what people wrote.
        """
        begun = time.monotonic()
        told = {
            "path": display(order.target),
            "uri": uri_of(self._workspace, order.target),
            "kind": order.kind.name,
        }
        try:
            writer = self._writers.writer_for(order.kind.name, order.model)
            async with self._room(worded=not isinstance(writer, EmbeddedWriter)):
                self._hub.publish("document.started", owner=order.owner, **told)
                budget = Budget()
                job = Job(self._workspace, self._hub, writer, order, told)
                try:
                    made = await job.run(self._open_project(budget), on_section)
                finally:
                    budget.stop()  # the thread, if it is still at work, ends at its next unit
        except BaseException as error:
            self._hub.publish("document.failed", owner=order.owner, **told, reason=_reason(error))
            _log.info(
                "document stopped",
                kind=order.kind.name,
                error=type(error).__name__,
                duration_ms=_since(begun),
            )
            raise
        made = replace(made, duration_ms=_since(begun))
        with anyio.CancelScope(shield=True):  # it is written: whoever goes now must not take its record away
            await anyio.to_thread.run_sync(self._record, order, made)
        self._finished(made, order, told)
        return made

    def _room(self, *, worded: bool) -> anyio.CapacityLimiter:
        if worded not in self._rooms:
            self._rooms[worded] = anyio.CapacityLimiter(_WORDED_AT_ONCE if worded else _AT_ONCE)
        return self._rooms[worded]

    def _record(self, order: Order, made: MadeDocument) -> None:
        """The document is there whether or not the record can be written."""
        try:
            self._records.save(order, made)
        except OSError as error:
            _log.warning("record not written", path=made.path, error=os.strerror(error.errno or 0))

    def _finished(self, made: MadeDocument, order: Order, told: dict[str, str]) -> None:
        self._hub.publish(
            "document.finished",
            owner=order.owner,
            **told,
            bytes=made.size,
            sha256=made.sha256,
            duration_ms=made.duration_ms,
        )
        _log.info(
            "document generated",
            kind=order.kind.name,
            path=made.path,
            sections=len(made.sections),
            written=sum(1 for section in made.sections if section.state == "written"),
            bytes=made.size,
            skipped=len(made.skipped),
            duration_ms=made.duration_ms,
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, WorkspaceError | TemplateError | PageError | UnknownModelError):
        return str(error)
    return "cancelled" if isinstance(error, anyio.get_cancelled_exc_class()) else "an error of the server"


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
