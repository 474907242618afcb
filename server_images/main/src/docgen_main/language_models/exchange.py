"""What goes to a provider and what comes back, in our words."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from docgen_main.language_models.failures import ModelError

#: No section is longer; what goes on after this is not one.
MOST_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request: what the model is (system), what is to be worded (user), how much may come back.

    There is nothing else: no tools, no history, no files.
    """

    system: str
    user: str
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens taken so far, as the provider reports them; None where it has not said."""

    input: int | None = None
    output: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The provider says that the answer is over, and how."""

    how: Literal["complete", "length", "refused", "other"]


Piece = str | Tokens | Ended


class Provider(Protocol):
    """One vendor's API, spoken through the vendor's SDK."""

    def stream(self, prompt: Prompt, model: str, key: str | None) -> AsyncGenerator[Piece]:
        """The answer as it arrives. Raises `ModelError`; leaving the iterator closes the connection."""

    async def aclose(self) -> None:
        """Close all connections."""


class Answer:
    """Collects one streamed answer; `text` may be used once `finish` returned."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._ended: Ended | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None

    def add(self, piece: Piece) -> None:
        """Take the next piece. Raises `ModelError` when it gets too long."""
        if isinstance(piece, str):
            self._length += len(piece)
            if self._length > MOST_CHARACTERS:
                raise ModelError("its answer is too long", billed=True)
            self._parts.append(piece)
        elif isinstance(piece, Tokens):
            self.input_tokens = piece.input if piece.input is not None else self.input_tokens
            self.output_tokens = piece.output if piece.output is not None else self.output_tokens
        else:
            self._ended = piece

    @property
    def whole(self) -> bool:
        """Whether the provider said that it is over."""
        return self._ended is not None

    @property
    def characters(self) -> int:
        """How much text has arrived."""
        return self._length

    def finish(self) -> str:
        """The complete text. Raises `ModelError` for an answer that is cut, refused, or empty."""
        if self._ended is None:
            raise ModelError("its answer was cut", billed=True)
        if self._ended.how == "refused":
            raise ModelError("it refused", blames_provider=False, billed=True)
        if self._ended.how == "length":
            raise ModelError("its answer ended at the limit of tokens", blames_provider=False, billed=True)
        if self._ended.how == "other":
            raise ModelError("its answer ended before it was complete", billed=True)
        text = "".join(self._parts).strip()
        if not text:
            raise ModelError("its answer is empty", billed=True)
        return text
