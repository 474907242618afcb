"""Replacing exact text in a file's bytes; pure."""

from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field


class Edit(BaseModel):
    """One replacement."""

    old: Annotated[str, Field(min_length=1, description="The text to replace, exactly as it stands")]
    new: Annotated[str, Field(description="What to put in its place; empty to remove it")]
    every: Annotated[
        bool, Field(description="Replace it wherever it stands; otherwise it must stand there once")
    ] = False


class Replaced(BaseModel):
    """What an edit did."""

    line: int = Field(description="Line of the first replacement, from 1, when the edit was made")
    times: int


def apply_edits(content: bytes, edits: list[Edit], *, most: int) -> tuple[bytes, list[Replaced]]:
    """`content` with all `edits` made in order.

    Raises `ToolError` when one cannot be made, or when the content would become longer than `most` bytes.
    """
    replaced: list[Replaced] = []
    for number, edit in enumerate(edits):
        old, new = _encoded(edit.old, number, "old"), _encoded(edit.new, number, "new")
        times = content.count(old)
        if times == 0:
            raise ToolError(f"edits.{number}.old: does not occur in the file{_line_ends(content, old)}")
        if times > 1 and not edit.every:
            raise ToolError(
                f"edits.{number}.old: occurs {times} times: give more of what surrounds it, or set every"
            )
        if len(content) + times * (len(new) - len(old)) > most:  # asked before the memory is taken
            raise ToolError(f"edits.{number}: the file would have more than {most} bytes")
        replaced.append(Replaced(line=content.count(b"\n", 0, content.find(old)) + 1, times=times))
        content = content.replace(old, new)
    return content, replaced


def _encoded(text: str, number: int, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ToolError(f"edits.{number}.{name}: must be valid Unicode") from None


def _line_ends(content: bytes, old: bytes) -> str:
    if b"\r\n" in content and b"\n" in old and b"\r\n" not in old:
        return "; its lines end in CR LF, so line breaks in old must, too"
    return ""
