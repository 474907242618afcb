"""Documents as HTML: one file that needs nothing from outside and lets nothing in the Markdown act.

The libraries that do the work are imported when the first page is made.
"""


def page(markdown: str, *, title: str = "", note: str = "") -> bytes:
    """One self-contained HTML page of `markdown`, as UTF-8.

    `title` is the page's title, by default the first heading. `note` is a line of plain text at its end, such
    as what it was made of. Markdown is data: raw HTML in it is shown as text (comments are left out), links
    lead nowhere but to the web, mail and places beside the page, and pictures are not fetched.
    Raises `TooLargeError` for Markdown of more than `MARKDOWN_BYTES`.
    """
    from docgen_main.html.frame import framed  # these imports cost memory that an idle server does without
    from docgen_main.html.limits import check_size

    check_size(markdown)
    return framed(markdown, title, note)
