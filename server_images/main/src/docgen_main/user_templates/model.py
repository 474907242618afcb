"""The nouns of users' templates."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgen_main.documents.variables import Value, Variable
from docgen_main.user_templates.declaration import Declaration
from docgen_main.user_templates.sections import FilledSection
from docgen_main.user_templates.source import Source
from docgen_main.user_templates.version import Version


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template: as stored, and as read."""

    version: Version
    source: Source

    @property
    def declaration(self) -> Declaration:
        """What it declares."""
        return self.source.declaration


@dataclass(frozen=True, slots=True)
class UserKind:
    """A kind of document that a template declares: as a built-in kind, and which version makes it.

    `variables` are its questions; give the answers to `UserTemplates.render`.
    """

    name: str
    title: str
    description: str
    file_name: str
    template: str
    version: int
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A rendered template: Markdown, its sections in order, and what it was made of.

    `sha256` is that of the template's text; `included` are the templates it took in, with their versions;
    `variables` the values it was given.
    """

    markdown: str
    sections: tuple[FilledSection, ...]
    template: str
    version: int
    sha256: str
    included: tuple[tuple[str, int], ...]
    variables: Mapping[str, Value]


def sample(variable: Variable) -> Value:
    """A value that shows in a preview where the answer would be."""
    match variable.type:
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "list":
            return [f"«{variable.name} 1»", f"«{variable.name} 2»"]
        case "choice":
            return variable.choices[0]
        case _:
            return f"«{variable.name}»"
