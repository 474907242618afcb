"""Documents made of facts: a kind is an ordered list of sections, each a function from facts to text."""

from docgen_main.documents.compose import Composed, Rendered, compose
from docgen_main.documents.kinds import KINDS, Kind, Section

__all__ = ["KINDS", "Composed", "Kind", "Rendered", "Section", "compose"]
