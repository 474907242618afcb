"""What docgen.yaml says about what servers offer: what is shown, by which names, how long and often, where.

A pattern's `*` stands for any characters, `?` for any one. Brackets, which mean something to other programs,
are refused rather than misread.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from docgenctl.model.setting_values import Name, Seconds, Section


def _pattern(value: str) -> str:
    if not re.fullmatch(r"[^\[\]\s\x00-\x1f\x7f]{1,256}", value):
        raise ValueError(f"{value!r} is not a pattern of names; write docs_* or github_get_pull")
    return value


def _tool_name(value: str) -> str:
    # What every client takes (SEP-986), without the slash, which key paths and scopes have another use for.
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", value, re.ASCII):
        raise ValueError(
            f"{value!r} is not a tool name; write at most 128 letters, digits, dashes, dots and underscores"
        )
    return value


def _shown_name(value: str) -> str:
    return _tool_name(value.removesuffix("*")) and value


def _renames(value: dict[str, str]) -> dict[str, str]:
    for own, shown in value.items():
        if own.endswith("*") is not shown.endswith("*"):
            raise ValueError(
                f"{own!r} and {shown!r} do not go together; end both with * to change how names begin"
            )
    return value


def _rate(value: str) -> str:
    match = re.fullmatch(r"([0-9]{1,9})/[smh](?: burst ([0-9]{1,9}))?", value, re.ASCII)
    if match is None or not int(match[1]) or not int(match[2] or 1):
        raise ValueError(f"{value!r} is not a rate; write 10/s, 600/m, 100/h or '5/s burst 20'")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
ShownName = Annotated[str, AfterValidator(_shown_name)]
RateText = Annotated[str, AfterValidator(_rate)]
CallTimeout = Annotated[Seconds, Field(ge=1, le=86_400)]


class ToolSettings(Section):
    """Which tools of one server clients see; names and patterns are the server's own."""

    allow: tuple[Pattern, ...] = Field(("*",), description="Patterns of the tools that are offered.")
    deny: tuple[Pattern, ...] = Field(
        (), description="Patterns of tools that are not offered, whatever `allow` says."
    )
    rename: Annotated[dict[str, ShownName], AfterValidator(_renames)] = Field(
        default_factory=dict,
        description="The server's name of a tool, and the one that clients see; or beginnings: git_*: hub_*.",
    )
    timeout: dict[Pattern, CallTimeout] = Field(
        default_factory=dict, description="Longest call by pattern, the first that matches: 90s, 10m."
    )
    rate: dict[Pattern, RateText] = Field(
        default_factory=dict, description="Calls of each key by pattern, the first that matches: 10/m."
    )
    changes: Literal["report", "hold"] = Field(
        "report", description="What happens to a tool whose definition changed: it is told, or held back."
    )

    def shown_name(self, own_name: str) -> str:
        """What clients know the server's tool `own_name` by, where it is for them."""
        if own_name in self.rename:
            return self.rename[own_name]
        for old, new in self.rename.items():
            if old.endswith("*") and own_name.startswith(old[:-1]):
                return new[:-1] + own_name[len(old) - 1 :]
        return own_name


class PartSettings(Section):
    """Which resources, or prompts, of one server clients see."""

    allow: tuple[Pattern, ...] = Field(("*",), description="Patterns of those that are offered.")
    deny: tuple[Pattern, ...] = Field(
        (), description="Patterns of those that are not, whatever `allow` says."
    )


class EndpointSettings(Section):
    """One named endpoint; what it does not name it does not show."""

    servers: tuple[Name, ...] | None = Field(None, description="Servers it takes from; by default all.")
    tools: tuple[Pattern, ...] = Field((), description="Patterns of tool names, as clients see them.")
    resources: tuple[Pattern, ...] = Field((), description="Patterns of URIs of resources.")
    prompts: tuple[Pattern, ...] = Field((), description="Patterns of names of prompts.")

    def taken_from(self, running: Iterable[str]) -> tuple[str, ...]:
        """Those of the servers `running` that it shows something of."""
        return tuple(server for server in running if self.servers is None or server in self.servers)
