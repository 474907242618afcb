"""From what the workspace refuses to what the caller is told, with one audit line on the way."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from mcp.server.mcpserver.exceptions import ToolError

from docgen_main.html import PageError
from docgen_main.user_templates.errors import TemplateError
from docgen_main.workspace import DeniedError, WorkspaceError, display

_log = structlog.stdlib.get_logger("docgen.audit")


@contextmanager
def refusals(tool: str, path: str) -> Iterator[None]:
    """Turn a `WorkspaceError` or a `PageError` inside the block into a `ToolError`; denials are logged."""
    try:
        yield
    except WorkspaceError as error:
        if isinstance(error, DeniedError):
            _log.warning("denied", tool=tool, path=display(path[:512]), rule=error.rule)
        raise ToolError(str(error)) from None
    except PageError as error:
        raise ToolError(str(error)) from None


#: what a hostile template or name runs into, rather than a mistake anybody makes
_TEMPLATE_DENIALS = frozenset({"name", "text", "sandbox", "time", "memory", "depth", "output", "worker"})


@contextmanager
def template_refusals(tool: str, name: str) -> Iterator[None]:
    """Turn a `TemplateError` inside the block into a `ToolError`; denials are logged."""
    try:
        yield
    except TemplateError as error:
        if error.rule in _TEMPLATE_DENIALS:
            _log.warning("denied", tool=tool, template=display(name[:128]), rule=error.rule)
        raise ToolError(str(error)) from None
