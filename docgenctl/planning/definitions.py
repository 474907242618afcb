"""Which definitions of tools are known after a look at them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docgenctl.model.routes import RoutedServer, RoutedTool


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to: `learnt` are tools to take as known now, `held` those that wait for a human.

    `told` are sentences about changes that people should read.
    """

    learnt: tuple[RoutedTool, ...]
    held: tuple[RoutedTool, ...]
    told: tuple[str, ...]


def look_at(servers: Iterable[RoutedServer], known: Mapping[str, Mapping[str, str]]) -> Look:
    """What `docgenctl up` does about the tools of these servers; `known` are digests by server and own name.

    The first look at a server takes all of its tools as they are: whoever started it saw to it. Later a
    change is told and, unless the server's policy holds changes back, known from then on.
    """
    learnt: list[RoutedTool] = []
    held: list[RoutedTool] = []
    told: list[str] = []
    for server in servers:
        before = known.get(server.name)
        for tool in server.tools if server.told else ():
            was = None if before is None else before.get(tool.own_name)
            if before is None:
                learnt.append(tool)
            elif was != tool.digest:
                holds = server.changes == "hold"
                (held if holds else learnt).append(tool)
                told.append(_sentence(tool, is_new=was is None, holds=holds))
    return Look(tuple(learnt), tuple(held), tuple(told))


def _sentence(tool: RoutedTool, *, is_new: bool, holds: bool) -> str:
    name = tool.name or tool.own_name
    what = "is new" if is_new else "has another definition than before"
    then = f"; it is held back until you say: docgenctl tools accept {name}" if holds else ""
    return f"the tool {name} of {tool.server} {what}{then}"
