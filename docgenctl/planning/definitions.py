"""Which definitions of tools are known after a look at them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docgenctl.model.routes import RoutedServer, RoutedTool

_SHOWN = 5


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
    changed: dict[tuple[str, bool], list[RoutedTool]] = {}
    for server in servers:
        before = known.get(server.name)
        for tool in server.tools if server.told else ():
            was = None if before is None else before.get(tool.own_name)
            if before is None:
                learnt.append(tool)
            elif was != tool.digest:
                if server.changes == "hold":
                    held.append(tool)
                    told.append(_held_back(tool, is_new=was is None))
                else:
                    learnt.append(tool)
                    changed.setdefault((server.name, was is None), []).append(tool)
    told += (_changed(name, is_new, tools) for (name, is_new), tools in changed.items())
    return Look(tuple(learnt), tuple(held), tuple(told))


def _held_back(tool: RoutedTool, *, is_new: bool) -> str:
    name = _called(tool)
    what = "is new" if is_new else "has another definition than before"
    return (
        f"the tool {name} of {tool.server} {what}; it is held back until you say: "
        f"docgenctl tools accept {name}"
    )


def _changed(server: str, is_new: bool, tools: list[RoutedTool]) -> str:
    """One sentence for all of a server: an option that opens twenty tools is one piece of news."""
    if len(tools) == 1:
        what = "is new" if is_new else "has another definition than before"
        return f"the tool {_called(tools[0])} of {server} {what}"
    names = ", ".join(_called(tool) for tool in tools[:_SHOWN])
    more = f" and {len(tools) - _SHOWN} more (docgenctl routes)" if len(tools) > _SHOWN else ""
    what = "are new" if is_new else "have other definitions than before"
    return f"{len(tools)} tools of {server} {what}: {names}{more}"


def _called(tool: RoutedTool) -> str:
    return tool.name or tool.own_name
