"""Facts about a project, read from its files as they are: nothing is run, imported or configured by them."""

from docgen_main.facts.budget import Budget, StoppedError
from docgen_main.facts.project import Project
from docgen_main.facts.store import FactsStore

__all__ = ["Budget", "FactsStore", "Project", "StoppedError"]
