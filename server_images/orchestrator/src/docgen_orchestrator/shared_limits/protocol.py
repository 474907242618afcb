"""The raw path where rates may have to be asked for: what it cannot judge at once goes to the application.

There the request is judged by middleware that can wait. Nothing has been taken or begun by then.
"""

from __future__ import annotations

from docgen_orchestrator.fast.endpoint import Shared
from docgen_orchestrator.fast.protocol import RawProtocol, protocol_class
from docgen_orchestrator.known_heads import Message
from docgen_orchestrator.shared_limits.leases import AskFirstError


class CountedProtocol(RawProtocol):
    """One connection of a caller, as ``RawProtocol``."""

    def on_message_complete(self) -> None:
        """The request is whole."""
        try:
            super().on_message_complete()
        except AskFirstError:
            self._hand_over()
            super().on_message_complete()

    def _begin_known(self, message: Message, data: bytes) -> bool:
        try:
            return super()._begin_known(message, data)
        except AskFirstError:  # the parser takes it, and the application gets it from there
            return False


def counted_protocol_class(shared: Shared) -> type[RawProtocol]:
    """As ``docgen_orchestrator.fast.protocol.protocol_class``."""
    return type("CountedRawProtocol", (CountedProtocol, protocol_class(shared)), {})
