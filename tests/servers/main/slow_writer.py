"""A writer for tests that cancel."""

import anyio
from docgen_main.documents.writer import EMBEDDED, SectionRequest, SectionText, SectionWriter


class Slow:
    """A writer that never ends."""

    models = (EMBEDDED,)

    def writer_for(self, kind: str, model: str | None = None) -> SectionWriter:
        return self

    async def write(self, request: SectionRequest) -> SectionText:
        await anyio.sleep_forever()
        raise AssertionError
