"""Whether streams arrive whole, in order, and at their own caller.

Frames are the progress of a real document: numbered by the server, and compared with the sections that it
says it wrote. Each document has a heading of its own, by which frames of others would be known.
"""

import contextlib
import itertools
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from docgenctl.endpoint import Endpoint, McpEndpoint, Progress
from docgenctl.model.errors import DocgenError, NotHealthyError
from docgenctl.model.verification import Streams, Times

TOOL = "docs_generate"
AT_ONCE = 4


def measure_streams(endpoint: Endpoint, wanted: int) -> Streams | None:
    """So many documents, some at once; None when the tool that streams is not offered with this key.

    Each document is removed again. Raises NotHealthyError when one cannot be made.
    """
    with McpEndpoint(endpoint) as client:
        if TOOL not in {str(tool.get("name")) for tool in client.list_tools()}:
            return None
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="verify") as pool:
        heard = list(pool.map(lambda _: _one_stream(endpoint), range(wanted)))
    return Streams(
        tool=TOOL,
        streams=wanted,
        frames=sum(len(one.frames) for one in heard),
        lost=sum(one.lost for one in heard),
        out_of_order=sum(one.out_of_order for one in heard),
        foreign=sum(one.foreign for one in heard),
        first_frame=Times(tuple(one.first_ms for one in heard if one.first_ms is not None)),
    )


class _Heard:
    """The frames of one stream, and what its result says there should have been."""

    def __init__(self, title: str) -> None:
        self.frames: list[tuple[float, str, str]] = []
        self.first_ms: float | None = None
        self.title = title
        self.sections: list[str] = []
        self._begun = time.perf_counter()

    def __call__(self, progress: Progress) -> None:
        if self.first_ms is None:
            self.first_ms = (time.perf_counter() - self._begun) * 1000
        try:
            told = json.loads(progress.message or "{}")
        except ValueError:
            told = {}
        section, text = (str(told.get(key, "")) for key in ("section", "markdown"))
        self.frames.append((progress.progress, section, text))

    @property
    def lost(self) -> int:
        return max(0, len(self.sections) - len(self.frames))

    @property
    def out_of_order(self) -> int:
        numbers = [number for number, _, _ in self.frames]
        return sum(later <= earlier for earlier, later in itertools.pairwise(numbers))

    @property
    def foreign(self) -> int:
        unknown = sum(section not in self.sections for _, section, _ in self.frames)
        others = ("docgenctl verify " in text and self.title not in text for _, _, text in self.frames)
        return unknown + sum(others)


def _one_stream(endpoint: Endpoint) -> _Heard:
    """Make a document, hear of it section by section, and take it away again."""
    mark = uuid.uuid4().hex[:12]
    title, path = f"docgenctl verify {mark}", f"docgenctl-verify-{mark}.md"
    with McpEndpoint(endpoint, timeout_s=120) as client:
        heard = _Heard(title)
        arguments = {"kind": "readme", "title": title, "path": path}
        result = client.call_tool(TOOL, arguments, heard)
        if result.is_error:
            raise NotHealthyError(f"{TOOL} fails: {result.text}", hint="docgenctl logs main")
        structured = result.structured if isinstance(result.structured, dict) else {}
        heard.sections = [str(name) for name in structured.get("sections", [])]
        with contextlib.suppress(DocgenError):
            client.call_tool("files_delete", {"path": str(structured.get("path", path))})
    return heard
