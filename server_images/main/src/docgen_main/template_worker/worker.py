"""The process in which users' templates are parsed and rendered; `user_templates.workers` runs it.

It has no environment, no descriptor but two pipes, and after its start only what `confinement` leaves it. Its
parent kills it when an answer takes too long; an alarm does when nobody waits for it any more. Messages are
JSON behind four bytes of length; `{"need": …}` asks the parent for a stored template or for the facts.
"""

import json
import os
import re
import signal
import sys
import textwrap  # noqa: F401 - `wordwrap` imports it when used, when nothing can be opened any more
from types import TracebackType
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError

from docgen_main.expendable import expendable
from docgen_main.template_worker.confinement import confine
from docgen_main.template_worker.sandbox import Sandbox
from docgen_main.workspace.names import display

_ALARM_SECONDS = 60.0
_DEPTH = 700
_WARM = """{% set b %}{{ "x" | code }}{% endset %}{{ "é\\n" ~ b }}{{ "{}".format(1) }}
{% for c in a | map("upper") | sort %}{{ c | wordwrap(9) }}{% endfor %}{{ missing }}"""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
Answer = dict[str, Any]


class _OutputError(Exception):
    """More output than allowed."""


def main() -> None:
    """Answer requests until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    expendable()
    sys.setrecursionlimit(_DEPTH)
    for op in ("render", "check"):  # whatever is imported when first used is imported now
        _answer({"op": op, "name": "", "text": _WARM, "line": 0, "values": {"a": ["x"]}, "most": 1 << 16})
        _answer({"op": op, "name": "", "text": "{{ a.b }}", "line": 0, "values": {}, "most": 1 << 16})
    _send({"ready": True, "filtered": confine()})
    while (request := _receive()) is not None:
        signal.setitimer(signal.ITIMER_REAL, _ALARM_SECONDS)  # ends it even when its parent is gone
        answer = _answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(answer)


def _receive() -> Any:
    head = _read(4)
    return json.loads(_read(int.from_bytes(head, "big"))) if head else None


def _read(count: int) -> bytes:
    parts = []
    while count and (part := os.read(0, min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(message: Answer) -> None:
    raw = json.dumps(message).encode()
    view = memoryview(len(raw).to_bytes(4, "big") + raw)
    while view:
        view = view[os.write(1, view) :]


def _load(name: str) -> tuple[str, int] | None:
    found = _ask("template", name)
    return None if found.get("text") is None else (found["text"], found["line"])


def _facts() -> Any:
    return _ask("facts", "").get("facts")


def _ask(what: str, name: str) -> Answer:
    _send({"need": what, "name": name[:200]})
    found = _receive()
    return found if isinstance(found, dict) else {}


def _answer(request: Answer) -> Answer:
    first = (request["text"], request["line"])
    sandbox = Sandbox(lambda name: first if name == request["name"] else _load(name), _facts)
    try:
        return _check(sandbox, request) if request["op"] == "check" else _render(sandbox, request)
    except BaseException as error:  # noqa: BLE001 - whatever a template does is its error, told to the parent
        return {"error": _told(sandbox, error, str(request["name"]))}


def _render(sandbox: Sandbox, request: Answer) -> Answer:
    template = sandbox.get_template(request["name"])
    parts, size = [], 0
    for part in template.root_render_func(template.new_context(request["values"])):
        size += len(part.encode(errors="replace"))
        if size > request["most"]:
            raise _OutputError(f"more than {request['most']} bytes of output")
        parts.append(part)
    return {"text": "".join(parts)}


def _check(sandbox: Sandbox, request: Answer) -> Answer:
    """The names that the template wants from outside, each with its first line."""
    sandbox.get_template(request["name"])  # compiles: unknown filters and tests, blocks nested too deeply
    tree = sandbox.parse(request["text"], name=request["name"])
    _refuse_underscores(tree)
    wanted = meta.find_undeclared_variables(tree) - set(sandbox.globals)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in wanted and name.ctx == "load":
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return {"wants": {name: sandbox.line(request["name"], line) for name, line in sorted(lines.items())}}


def _refuse_underscores(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Getattr):
        if node.attr.startswith("_"):
            error = SecurityError(f"{node.attr!r} begins with an underscore: templates may not use it")
            error.lineno = node.lineno  # type: ignore[attr-defined]
            raise error


def _told(sandbox: Sandbox, error: BaseException, asked: str) -> Answer:
    rule, message = _cause(error)
    name, line = _place(error.__traceback__)
    line = getattr(error, "lineno", None) or line
    name = (error.name if isinstance(error, jinja2.TemplateSyntaxError) else name) or asked
    return {
        "rule": rule,
        "message": display(_ADDRESS.sub("", message))[:500],
        "template": name,
        "line": sandbox.line(name, line) if line else 0,
    }


def _cause(error: BaseException) -> tuple[str, str]:
    said = " ".join(str(error).split())
    match error:
        case jinja2.TemplateSyntaxError():
            return "syntax", error.message or "is not Jinja"
        case jinja2.TemplateNotFound():
            return "missing", f"there is no template {error.name!r} to include: templates_list names them"
        case jinja2.UndefinedError():
            return "undefined", said
        case SecurityError():
            return "sandbox", said
        case RecursionError() | SyntaxError():  # Python refuses to compile what is nested too deeply
            return "depth", "templates, macros or expressions are nested, or call each other, too deeply"
        case MemoryError():
            return "memory", "it needs more memory than a template may take"
        case _OutputError():
            return "output", f"it makes {said}, which is the limit"
        case OSError() | ImportError():  # its text has paths
            return "mistake", "it uses something that is not there in templates"
        case _:
            return "mistake", said or type(error).__name__


def _place(traceback: TracebackType | None) -> tuple[str, int]:
    """The innermost line of a template on the way to the error."""
    name, line = "", 0
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template):
            name, line = template.name or "", template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return name, line


if __name__ == "__main__":
    main()
