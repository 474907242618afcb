"""The names that a document may mention, because they exist: a noun of the facts, used in writing."""

from docgen_main.facts.known_names import KnownNames

__all__ = ["KnownNames"]
