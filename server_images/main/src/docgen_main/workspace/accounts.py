"""What a change costs, against two quotas: the output folder, and what this server wrote elsewhere.

A change is told as two maps of path to size: what will be there, and what will be gone. Everything is used
under the lock of the one who writes.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from docgen_main.workspace.listing import usage_of
from docgen_main.workspace.names import Path, display
from docgen_main.workspace.quota import Quota, Usage
from docgen_main.workspace.written import Look, Written

Sizes = Mapping[Path, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one server writes.

    Bytes of one file; bytes and names (files and directories) of the whole output folder; the same of all
    that it wrote elsewhere in a writable workspace.
    """

    file_bytes: int = 8 << 20
    output_bytes: int = 256 << 20
    output_files: int = 5_000
    written_bytes: int = 256 << 20
    written_files: int = 5_000


class Accounts:
    """The quotas of one workspace. `noted` is the file that remembers what was written elsewhere."""

    def __init__(
        self,
        output: Path,
        limits: Limits,
        *,
        open_output: Callable[[], int | None],
        look: Look,
        noted: str | None,
    ) -> None:
        self._output = output
        self._open_output = open_output
        self._names_most = limits.output_files
        self.written = Written(noted, look)
        self._folder = Quota(
            display(output), Usage(limits.output_bytes, limits.output_files), self._measure_output
        )
        self._elsewhere = Quota(
            "what this server wrote outside the output folder",
            Usage(limits.written_bytes, limits.written_files),
            self.written.measure,
        )

    @contextmanager
    def change(self, new: Sizes, gone: Sizes) -> Iterator[None]:
        """Make the change in the block: `WriteError` before when it costs too much, counted after it."""
        folder, elsewhere = self._growth(new, gone)
        self._folder.admit(folder)
        self._elsewhere.admit(elsewhere)
        self.written.note(path for path in new if not self._in_output(path))
        yield
        self._folder.changed(folder)
        self._elsewhere.changed(elsewhere)
        for path in gone:
            if path not in new:
                self.written.forget(path)
        for path, size in new.items():
            if not self._in_output(path):
                self.written.sized(path, size)

    def _growth(self, new: Sizes, gone: Sizes) -> tuple[Usage, Usage]:
        folder, elsewhere = Usage(), Usage()
        for path, size in new.items():
            if self._in_output(path):
                folder += Usage(size, 1)
            elif path in self.written:
                elsewhere += Usage(size - self.written.size(path), 0)
            else:
                elsewhere += Usage(size, 1)
        for path, size in gone.items():
            if self._in_output(path):
                folder += Usage(-size, -1)
            elif path in self.written and path not in new:
                elsewhere += Usage(-self.written.size(path), -1)
        return folder, elsewhere

    def _in_output(self, path: Path) -> bool:
        return path[: len(self._output)] == self._output

    def _measure_output(self) -> Usage:
        descriptor = self._open_output()
        if descriptor is None:
            return Usage()
        try:
            return usage_of(descriptor, names_most=self._names_most)
        finally:
            os.close(descriptor)
