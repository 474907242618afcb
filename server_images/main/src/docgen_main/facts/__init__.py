"""Facts about a project, read from its files as they are: nothing is run, imported or configured by them."""

from docgen_main.facts.budget import Budget, StoppedError
from docgen_main.facts.project import Project

__all__ = ["Budget", "Project", "StoppedError"]
