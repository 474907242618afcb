"""Finding text and names in the workspace, in bounded time whatever is asked and whatever lies there."""

from docgen_main.search.patterns import PatternError, glob, literal, regex
from docgen_main.search.walk import Found, Hit, LeftOut, Query, search

__all__ = ["Found", "Hit", "LeftOut", "PatternError", "Query", "glob", "literal", "regex", "search"]
