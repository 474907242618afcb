"""What the rest of the server does with users' templates: look, change, render."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from docgen_main.documents.variables import AnswersError, Value, missing, settle
from docgen_main.events import Hub
from docgen_main.markdown_text import tidy
from docgen_main.user_templates.declaration import Declaration
from docgen_main.user_templates.errors import RefusedTemplateError, TemplateError, UnknownTemplateError
from docgen_main.user_templates.model import Filled, Template, UserKind, sample
from docgen_main.user_templates.names import check_name
from docgen_main.user_templates.sections import cut
from docgen_main.user_templates.source import Source, parse
from docgen_main.user_templates.store import Store
from docgen_main.user_templates.version import Version
from docgen_main.user_templates.workers import Workers

#: names that are there in every template besides its variables
GIVEN = ("project", "title")
_REMEMBERED_MOST, _REMEMBERED_LENGTH = 256, 16 << 10
Facts = Callable[[], Mapping[str, Any]]


class UserTemplates:
    """The templates of `store`; changes are told to `hub`. `built_in` are kinds that no template may declare.

    All methods may be called from any thread, block for two seconds at most besides waiting for others, and
    raise `TemplateError`, whose text is safe to show.
    """

    def __init__(
        self,
        store: Store,
        hub: Hub | None = None,
        *,
        built_in: frozenset[str] = frozenset(),
        workers: Workers | None = None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._built_in = built_in
        self._workers = workers or Workers()
        self._read: dict[tuple[str, int, str], Template] = {}
        self._reading = threading.Lock()

    def close(self) -> None:
        """End the workers and give the store back."""
        self._workers.close()
        self._store.close()

    # -- looking -----------------------------------------------------------------------------------
    def names(self) -> list[str]:
        """The names of all templates, sorted."""
        return self._store.names()

    def get(self, name: str, version: int | None = None) -> Template:
        """Version `version` of template `name`, or the present one."""
        check_name(name)
        return self._template(self._store.read(name, version))

    def all(self) -> list[Template]:
        """The present version of every template that can be read, by name."""
        found = []
        for name, number in self._store.versions().items():
            try:
                found.append(self.get(name, number))
            except TemplateError:  # deleted since it was listed, or damaged: `get` says so
                continue
        return found

    def history(self, name: str) -> list[Version]:
        """The kept versions of `name`, oldest first. A damaged one is left out."""
        self._store.current(name)
        found = []
        for number in self._store.numbers(name):
            try:
                found.append(self._store.read(name, number))
            except TemplateError:
                continue
        return found

    def kinds(self) -> tuple[UserKind, ...]:
        """The kinds of documents that templates declare now, by name."""
        found = [
            UserKind(
                name=told.kind,
                title=told.title,
                description=told.description,
                file_name=told.file_name,
                template=template.version.name,
                version=template.version.number,
                variables=told.variables,
            )
            for template in self.all()
            if (told := template.declaration).kind and told.kind not in self._built_in
        ]
        return tuple({kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}.values())

    # -- changing ----------------------------------------------------------------------------------
    def write(
        self, name: str, text: str, *, expected: int | None = None, by: str = "", note: str = ""
    ) -> Template:
        """Store `text` as the next version of `name`; `expected` as for `Store.add`.

        Refused when the text cannot be read, is no Jinja, uses a variable that it does not declare, or
        declares a kind that is taken.
        """
        check_name(name)
        source = self.check(name, text)
        version = self._store.add(name, source.text, expected=expected, by=by, note=note)
        if self._hub is not None:
            self._hub.publish("template.changed", name=name, version=version.number)
        return Template(version, source)

    def check(self, name: str, text: str) -> Source:
        """Read `text` as template `name` without storing it; refuses what `write` refuses."""
        source = parse(text, name)
        self._check_kind(name, source.declaration.kind)
        declared = {variable.name for variable in source.declaration.variables}.union(GIVEN)
        unknown = [
            f"line {line}: {wanted!r}"
            for wanted, line in self._wants(name, source).items()
            if wanted not in declared
        ]
        if unknown:
            raise RefusedTemplateError(
                f"used but not declared: {'; '.join(unknown)}. Declare each as [variables.NAME] in the front "
                f"matter, TOML between two lines +++; {' and '.join(GIVEN)} are always there",
                rule="undeclared",
            )
        return source

    def rollback(self, name: str, version: int, *, expected: int | None = None, by: str = "") -> Template:
        """Make the text of `version` the next version of `name`."""
        check_name(name)
        old = self._store.read(name, version)
        return self.write(
            name, old.source, expected=expected, by=by, note=f"rolled back to version {version}"
        )

    def delete(self, name: str, *, expected: int | None = None) -> int:
        """Delete `name` with all its versions; returns the last."""
        check_name(name)
        last = self._store.remove(name, expected=expected)
        if self._hub is not None:
            self._hub.publish("template.deleted", name=name, version=last)
        return last

    # -- rendering ---------------------------------------------------------------------------------
    def render(
        self,
        name: str,
        version: int | None,
        variables: Mapping[str, object],
        facts: Facts,
        *,
        title: str = "",
    ) -> Filled:
        """Fill `name` at `version` (None: the present one); `facts` is called if the template wants them."""
        template = self.get(name, version)
        return self.fill(template, self.answers(template.declaration, variables), facts, title=title)

    def answers(self, declaration: Declaration, given: Mapping[str, object]) -> dict[str, Value]:
        """The values of all variables. Refuses wrong and missing answers, naming each."""
        try:
            values = settle(declaration.variables, given)
        except AnswersError as error:
            raise RefusedTemplateError(f"variables: {error}", rule="variables") from None
        lacking = missing(declaration.variables, values)
        if lacking:
            said = "; ".join(f"{variable.name} ({variable.question})" for variable in lacking)
            raise RefusedTemplateError(f"variables that must be given: {said}", rule="variables")
        return values

    def samples(
        self, declaration: Declaration, given: Mapping[str, object]
    ) -> tuple[dict[str, Value], list[str]]:
        """The values of all variables, and the names of those that got a sample because none was given."""
        try:
            values = settle(declaration.variables, given)
        except AnswersError as error:
            raise RefusedTemplateError(f"variables: {error}", rule="variables") from None
        lacking = missing(declaration.variables, values)
        return values | {variable.name: sample(variable) for variable in lacking}, [v.name for v in lacking]

    def fill(
        self, template: Template, values: Mapping[str, Value], facts: Facts, *, title: str = ""
    ) -> Filled:
        """Fill `template`, stored or not, with `values`, which `answers` returned."""
        name, heading = template.version.name, title or template.declaration.title
        given: dict[str, Any] = {v.name: values.get(v.name) for v in template.declaration.variables}
        given["title"] = heading
        included: dict[str, int] = {}

        def supply(what: str, wanted: str) -> dict[str, Any]:
            return {"facts": dict(facts())} if what == "facts" else self._included(wanted, included)

        answer = self._workers.ask({**_request("render", name, template.source), "values": given}, supply)
        markdown = tidy(str(answer["text"]))
        return Filled(
            markdown=markdown,
            sections=cut(markdown, heading),
            template=name,
            version=template.version.number,
            sha256=template.version.sha256,
            included=tuple(sorted(included.items())),
            variables=dict(values),
        )

    def _included(self, wanted: str, included: dict[str, int]) -> dict[str, Any]:
        """Body of the stored template `wanted`: a name that is none, such as a path, finds nothing."""
        try:
            found = self.get(wanted)
        except (UnknownTemplateError, RefusedTemplateError):
            return {"text": None}
        included[wanted] = found.version.number
        return {"text": found.source.body, "line": found.source.lines_before}

    def _template(self, version: Version) -> Template:
        key = (version.name, version.number, version.sha256)
        with self._reading:
            found = self._read.get(key)
        if found is None:
            found = Template(version, parse(version.source, version.name))
            if len(version.source) <= _REMEMBERED_LENGTH:
                with self._reading:
                    if len(self._read) >= _REMEMBERED_MOST:
                        self._read.clear()
                    self._read[key] = found
        return found

    def _check_kind(self, name: str, kind: str) -> None:
        if kind in self._built_in:
            raise RefusedTemplateError(f"kind {kind!r} is built in: give yours another name", rule="kind")
        for other in self.kinds() if kind else ():
            if other.name == kind and other.template != name:
                raise RefusedTemplateError(
                    f"kind {kind!r} is declared by template {other.template!r}", rule="kind"
                )

    def _wants(self, name: str, source: Source) -> dict[str, int]:
        """Names that the body uses without defining them, each with its first line."""
        answer = self._workers.ask(_request("check", name, source), _nothing)
        return {str(wanted): int(line) for wanted, line in answer["wants"].items()}


def _request(op: str, name: str, source: Source) -> dict[str, Any]:
    return {"op": op, "name": name, "text": source.body, "line": source.lines_before}


def _nothing(_: str, __: str) -> dict[str, Any]:
    return {"text": None}
