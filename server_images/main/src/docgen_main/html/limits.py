"""How much a page takes on."""

#: Larger Markdown is refused: no browser shows such a page with pleasure.
MARKDOWN_BYTES = 2 << 20
#: How long a page may take, and how much memory.
PAGE_SECONDS = 60.0
MEMORY_BYTES = 1 << 30
#: Pages that are made at the same time; further ones wait.
AT_ONCE = 2
#: Longer code, or code with a longer line, is shown without colours.
CODE_CHARACTERS = 50_000
CODE_LINE_CHARACTERS = 2_000
#: Diagrams that a page draws, and how long the text of one may be.
DIAGRAMS = 60
DIAGRAM_CHARACTERS = 50_000
#: Headings in the table of contents; deeper levels go first when there are more.
CONTENTS_ENTRIES = 1_500


class PageError(ValueError):
    """No page could be made of the Markdown; the message says what to do."""


class TooLargeError(PageError):
    """The Markdown is too large for one page."""


def check_size(markdown: str) -> None:
    """Raise `TooLargeError` when `markdown` is too large for one page."""
    if len(markdown) > MARKDOWN_BYTES or len(markdown.encode(errors="replace")) > MARKDOWN_BYTES:
        raise TooLargeError(
            f"the document is larger than {MARKDOWN_BYTES >> 20} MiB, too large for one page: "
            "divide it, or read it as Markdown"
        )
