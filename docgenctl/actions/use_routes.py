"""`docgenctl routes`, `tools inspect` and `tools accept`: what owns what, and what tools were before."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from docgenctl.actions.changing import changing
from docgenctl.actions.deliver_keys import deliver_keys
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.route_table import fetch_route_table
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import RefusedError, UsageError
from docgenctl.model.progress import Reporter
from docgenctl.model.routes import RoutedTool, RouteTable
from docgenctl.planning.definitions import look_at
from docgenctl.state.definitions import KnownTool, read_definitions, write_definitions


@dataclass(frozen=True, slots=True)
class InspectedTool:
    """A tool as it is now and as it is known, None for one that nobody looked at yet."""

    tool: RoutedTool
    known: KnownTool | None

    @property
    def differs(self) -> bool:
        """Whether its definition is another than the known one."""
        return self.known is not None and self.known.digest != self.tool.digest


def read_routes(opened: OpenProject) -> RouteTable:
    """What owns what now. Raises NotHealthyError."""
    return fetch_route_table(find_endpoint(opened))


def inspect_tool(opened: OpenProject, name: str) -> tuple[InspectedTool, ...]:
    """The tools of this name: one, or several that collide. Raises UsageError naming similar ones."""
    known = read_definitions(opened.state_dir)
    found = _named(read_routes(opened), name)
    return tuple(InspectedTool(tool, known.get(tool.server, {}).get(tool.own_name)) for tool in found)


def accept_tools(
    opened: OpenProject, engine: Engine, names: Iterable[str], *, definition: str = ""
) -> tuple[RoutedTool, ...]:
    """Know these tools as they are now; the running stack serves them from then on, if it held them back.

    `definition` is the beginning of the digest that was looked at, empty for whatever it is now. Raises
    RefusedError (`definition_moved`) when it is another one by now, UsageError for a name that no tool has,
    LockedError and NotHealthyError.
    """
    with changing(opened, "docgenctl tools accept"):
        table = read_routes(opened)
        accepted = tuple(tool for name in names for tool in _named(table, name))
        for tool in accepted:
            _refuse_another(tool, definition)
        _learn(opened, accepted)
        deliver_keys(opened, engine)
    return accepted


def look_at_definitions(opened: OpenProject, engine: Engine, endpoint: Endpoint, reporter: Reporter) -> None:
    """Know the tools of servers that are new, and tell what changed at others; for holders of the lock.

    See `look_at` for what is known afterwards.
    """
    known = read_definitions(opened.state_dir)
    digests = {server: {name: tool.digest for name, tool in tools.items()} for server, tools in known.items()}
    look = look_at(fetch_route_table(endpoint).servers, digests)
    for sentence in look.told:
        reporter.warn(sentence)
    if look.learnt:
        _learn(opened, look.learnt)
        deliver_keys(opened, engine)


def _learn(opened: OpenProject, tools: Iterable[RoutedTool]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    known: dict[str, dict[str, KnownTool]] = {
        server: dict(own) for server, own in read_definitions(opened.state_dir).items()
    }
    for tool in tools:
        own = known.setdefault(tool.server, {})
        before = own.get(tool.own_name)
        own[tool.own_name] = (
            KnownTool(digest=tool.digest, first_seen=now, definition=tool.definition)
            if before is None
            else before.became(tool.digest, tool.definition, now)
        )
    write_definitions(opened.state_dir, known)


def _refuse_another(tool: RoutedTool, definition: str) -> None:
    if definition and not tool.digest.startswith(definition.removeprefix("sha256:")):
        name = tool.name or tool.own_name
        raise RefusedError(
            f"the definition of {name} is another one by now: sha256:{tool.digest}",
            hint=f"look at it again: docgenctl tools inspect {name}",
            code="definition_moved",
        )


def _named(table: RouteTable, name: str) -> tuple[RoutedTool, ...]:
    found = table.named(name)
    if not found:
        names = sorted({tool.name or tool.own_name for tool in table.tools})
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"similar: {', '.join(near)}" if near else "docgenctl routes"
        raise UsageError(f"there is no tool {name}", hint=hint)
    return found
