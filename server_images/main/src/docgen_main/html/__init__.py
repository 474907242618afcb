"""Documents as HTML: one file that needs nothing from outside and lets nothing in the Markdown act.

A page is made in a process of its own, which ends with it: what is slow or large there holds nothing up in
the server and leaves nothing behind.
"""

from docgen_main.html.limits import PageError, TooLargeError
from docgen_main.html.process import page

__all__ = ["PageError", "TooLargeError", "page"]
