"""The harmless call that proves a server, as clients would have to make it."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from docgenctl.model.image_facts import CanaryFacts
from docgenctl.model.tool_settings import ToolSettings


def reachable_canary(canary: CanaryFacts | None, tools: ToolSettings) -> CanaryFacts | None:
    """The call under the name that clients see; None where the settings offer the tool to nobody."""
    if canary is None:
        return None
    shown = tools.shown_name(canary.tool)
    denied = _matches(canary.tool, tools.deny) or _matches(shown, tools.deny)
    if denied or not _matches(canary.tool, tools.allow):
        return None
    return canary.model_copy(update={"tool": shown})


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
