"""The language that users' templates are written in: Jinja, with everything that is not listed here left out.

Theory of operation. This runs in the worker process alone. Values are plain JSON; from them and from Jinja's
own objects a template reaches only the attributes named below, so there is no chain to anything else whatever
a release of Python or Jinja adds. What is printed passes `finalize`: text is escaped, and only `Markdown`,
which the filters of `markdown_text` and the template's own macros and blocks give, passes as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.filters import _GroupTuple
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace

from docgen_main.markdown_text import FILTERS, Markdown, finalize

Load = Callable[[str], tuple[str, int] | None]

_TEXT_NAMES = """
    upper lower title capitalize strip lstrip rstrip startswith endswith replace split rsplit splitlines join
    format count find isdigit isalpha isalnum isupper islower removeprefix removesuffix partition rpartition
"""
_LOOP_NAMES = """
    index index0 revindex revindex0 first last length depth depth0 cycle changed previtem nextitem
"""
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(_TEXT_NAMES.split())),
    (dict, frozenset({"items", "keys", "values", "get"})),
    (_GroupTuple, frozenset({"grouper", "list"})),
    (list, frozenset({"index", "count"})),
    (tuple, frozenset({"index", "count"})),
    (LoopContext, frozenset(_LOOP_NAMES.split())),
    (BlockReference, frozenset({"super"})),
)
_FILTER_NAMES = """
    abs batch capitalize count d default dictsort filesizeformat first float format groupby indent int items
    join last length list lower map max min reject rejectattr replace reverse round select selectattr slice
    sort string sum title trim truncate unique upper wordcount wordwrap
"""
_KEPT_FILTERS = _FILTER_NAMES.split()
_DROPPED_TESTS = frozenset({"escaped", "callable", "sameas"})
#: marks what a `{% set %}` block made; no template can say a name with a blank
_BLOCK = "docgen block"
_PRINTABLE = (str, int, float, list, dict, tuple)
_NAMES_TOLD = 20


class Missing(jinja2.StrictUndefined):
    """What is not there: using it is an error that says what is there."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, holder = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if holder is jinja2.utils.missing:
            return f"{name!r} is not defined: declare it under [variables], or correct the name"
        if isinstance(holder, Mapping):
            known = ", ".join(sorted(map(str, holder))[:_NAMES_TOLD]) or "nothing"
            return f"there is no {name!r} here; there is {known}"
        return f"{_said(holder)} has no {name!r} that templates may use"

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> NoReturn:
        raise jinja2.UndefinedError(self._undefined_message)


def _said(value: object) -> str:
    words = {str: "a text", int: "a number", float: "a number", bool: "a truth value", list: "a list"}
    return "nothing" if value is None else words.get(type(value), "this")


class _Range:
    """`range`, bounded as Jinja's sandbox does it, with a name that says nothing of memory."""

    def __call__(self, *arguments: int) -> range:
        return safe_range(*arguments)

    def __repr__(self) -> str:
        return "range"


class _Context(Context):
    """Fetches the facts when a template first names them: most templates do not."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        if found is not jinja2.utils.missing or key != "project" or not isinstance(self.environment, Sandbox):
            return found
        return self.environment.facts()


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one request.

    `load` gives body and lines before it of a stored template, or None; `facts` what `project` is.
    """

    context_class = _Context

    def __init__(self, load: Load, facts: Callable[[], Any]) -> None:
        self.facts = cache(facts)
        self._lines_before: dict[str, int] = {}

        def source(name: str) -> tuple[str, str, Callable[[], bool]] | None:
            found = load(name)
            if found is None:
                return None
            self._lines_before[name] = found[1]
            return found[0], name, lambda: True

        super().__init__(
            loader=jinja2.FunctionLoader(source),
            undefined=Missing,
            autoescape=False,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # an expression of constants runs under the same watch as any other
        )
        self.filters = {name: self.filters[name] for name in _KEPT_FILTERS} | FILTERS | {_BLOCK: Markdown}
        self.tests = {name: test for name, test in self.tests.items() if name not in _DROPPED_TESTS}
        self.globals = {"range": _Range(), "namespace": Namespace}

    def line(self, template: str, line: int) -> int:
        """The line in the source, front matter included, of `line` of the body of `template`."""
        return line + self._lines_before.get(template, 0)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a key of a table, or what is listed."""
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if attribute.startswith("_"):
            raise SecurityError(f"{attribute!r} begins with an underscore: templates may not use it")
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, TemplateModule | Namespace):
            return self._named(obj, attribute)
        if isinstance(obj, TemplateReference):
            return self._block(obj, attribute)
        for kind, allowed in _ATTRIBUTES:
            if isinstance(obj, kind) and attribute in allowed:
                return self._value(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def _value(self, obj: Any, attribute: str) -> Any:
        if attribute == "format" and isinstance(obj, str):
            return self.wrap_str_format(str(obj).format)  # what it gives is no Markdown, whatever `obj` is
        return getattr(obj, attribute)

    def _named(self, obj: TemplateModule | Namespace, attribute: str) -> Any:
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return self.undefined(obj=obj, name=attribute)

    def _block(self, obj: TemplateReference, attribute: str) -> Any:
        try:
            return obj[attribute]
        except LookupError:
            return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: items of plain values; never an attribute."""
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if isinstance(argument, str) and argument.startswith("__"):
            raise SecurityError(f"{argument!r} begins with underscores: templates may not use it")
        if isinstance(obj, dict | list | tuple | str | range):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                return self.undefined(obj=obj, name=argument)
        return self.undefined(obj=obj, name=argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call `__obj`; what a macro, a block or a recursive loop gives was escaped as it was printed."""
        value = super().call(__context, __obj, *args, **kwargs)
        made = isinstance(__obj, Macro | BlockReference | LoopContext)
        return Markdown(value) if made and type(value) is str else value

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for block in tree.find_all(nodes.AssignBlock):
            if block.filter is None:
                block.filter = nodes.Filter(None, _BLOCK, [], [], None, None, lineno=block.lineno)
        tree.set_environment(self)
        return tree

    def handle_exception(self, source: str | None = None) -> NoReturn:  # noqa: ARG002 - Jinja's signature
        """Raise what is being handled; the lines are found where it is reported."""
        raise


def _finalize(value: object) -> object:
    if value is None or isinstance(value, _PRINTABLE):
        return finalize(value)
    if isinstance(value, Undefined):
        return str(value)  # raises
    if isinstance(value, Iterator):
        raise SecurityError("this is a sequence, not a text: add | list or | join")
    raise SecurityError("this cannot be printed: it is no text, number, list or table")
