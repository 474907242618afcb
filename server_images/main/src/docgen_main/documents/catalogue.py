"""All kinds of documents there are: those that come along, and those that users' templates declare."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from docgen_main.documents.brief import Brief
from docgen_main.documents.kinds import KINDS, Kind
from docgen_main.documents.section import ANSWERS, FILES, Section
from docgen_main.facts import Project
from docgen_main.facts.plain import plain
from docgen_main.user_templates import FilledSection, UserTemplates


class UnknownKindError(LookupError):
    """There is no such kind; `str()` lists those that there are."""


class Catalogue:
    """The kinds that there are at the moment; `templates` are those of users, if there are any."""

    def __init__(self, templates: UserTemplates | None = None) -> None:
        self._templates = templates

    def kinds(self) -> dict[str, Kind]:
        """Every kind by name: first those that come along, then those of templates, by name."""
        return KINDS | {kind.name: kind for kind in self._user_kinds()}

    def template_names(self) -> list[str]:
        """The names of users' templates."""
        return self._templates.names() if self._templates is not None else []

    def kind(self, name: str, template: str | None = None) -> Kind:
        """The kind called `name`, made of users' template `template` if one is given.

        Raises `UnknownKindError`, or `TemplateError` when there is no such template.
        """
        kinds = self.kinds()
        if name not in kinds:
            raise UnknownKindError(f"there is no kind {name[:80]!r}; choose one of: {', '.join(kinds)}")
        kind = kinds[name]
        if template is None:
            return kind
        if self._templates is None:
            raise UnknownKindError("there are no templates of users here: leave template out")
        found = self._templates.get(template)
        return replace(
            kind,
            sections=partial(_sections, self._templates, template, found.version.number),
            questions=found.declaration.variables,
            template=template,
            template_version=found.version.number,
        )

    def _user_kinds(self) -> Iterator[Kind]:
        templates = self._templates
        if templates is None:
            return
        for found in templates.kinds():
            yield Kind(
                found.name,
                found.title,
                found.description,
                found.file_name,
                partial(_sections, templates, found.template, found.version),
                found.variables,
                template=found.template,
                template_version=found.version,
            )


def _sections(
    templates: UserTemplates, name: str, version: int, project: Project, brief: Brief
) -> Iterator[Section]:
    """The sections of a user's template, rendered at once: no heading is known before."""
    filled = templates.render(name, version, brief.answers, lambda: plain(project), title=brief.title)
    for part in filled.sections:
        yield Section(part.id, part.title, _text(part), lambda: (ANSWERS, FILES))


def _text(part: FilledSection) -> Callable[[], str]:
    return lambda: part.markdown
