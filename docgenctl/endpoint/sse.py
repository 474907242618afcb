"""Server-sent events, as they arrive: bytes in, the data of complete events out.

Follows "Interpreting an event stream" of the HTML standard; event names, ids and retry times are not
needed here and are skipped.
"""

import re

from docgenctl.model.errors import NotHealthyError

_LARGEST_EVENT = 64 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventStream:
    """Collects bytes until an event is complete. Does no input or output itself."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []
        self._first_line = True
        self._after_return = False

    def feed(self, block: bytes) -> list[bytes]:
        """The data of every event that `block` completes, in order.

        Raises NotHealthyError (`protocol`) for an event beyond 64 MiB.
        """
        # A carriage return ended the line already; its line feed comes late and ends nothing.
        if self._after_return and block:
            block = block.removeprefix(b"\n")
            self._after_return = False
        if block:
            self._after_return = block.endswith(b"\r")
        self._pending.append(block)
        self._size += len(block)
        if self._size > _LARGEST_EVENT:
            raise NotHealthyError(
                "the server sent an endless event",
                code="protocol",
                hint="'docgenctl logs' shows what the server is doing.",
            )
        # Joined only once a line can be complete: a large event in small blocks stays linear.
        if b"\n" not in block and b"\r" not in block:
            return []
        return self._events(b"".join(self._pending))

    def _events(self, text: bytes) -> list[bytes]:
        *lines, rest = _LINE_END.split(text)
        self._pending = [rest] if rest else []
        events = []
        for line in lines:
            if line:
                self._field(line.removeprefix(_BYTE_ORDER_MARK) if self._first_line else line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data = []
            self._first_line = False
        self._size = len(rest) + sum(map(len, self._data))
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
