"""Text as a stream and a reader can take it."""

from typing import TextIO

#: What our symbols become where they cannot be encoded.
_DEGRADED = str.maketrans({"✔": "ok", "✘": "failed:", "·": "-", "→": "->", "…": "...", "—": "-"})
#: Longer messages hold something that nobody reads to its end.
_LONGEST = 1000


def printable(text: str, stream: TextIO) -> str:
    """The text in what the stream can encode: an ASCII locale must not turn a result into a traceback."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_DEGRADED).encode(encoding, "replace").decode(encoding)
    return text


def visible(text: str) -> str:
    """The text on one line, with whatever moves a cursor or hides in it escaped."""
    return "".join(
        character if character.isprintable() or character == "\t" else repr(character)[1:-1]
        for character in text
    )


def harmless(text: str) -> str:
    """A message on one line and without control characters, which may come from a file or a variable."""
    shown = visible(text[: 2 * _LONGEST])
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."
