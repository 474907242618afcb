"""`docgenctl clients doctor`: start what each client would start, as it would, and say what is wrong."""

import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docgenctl.actions.bridge_stdio import could_be_door
from docgenctl.actions.call_canaries import canaries_of
from docgenctl.actions.connect_clients import Connection, list_connections
from docgenctl.actions.open_project import read_configuration
from docgenctl.clients.programs import Program, Surroundings
from docgenctl.clients.try_command import TriedCommand
from docgenctl.endpoint.address import own_key_file
from docgenctl.images.facts import all_image_facts
from docgenctl.model.diagnosis import Outcome, ok, problem, unknown, warning
from docgenctl.model.errors import ConfigurationError, DocgenError, NotHealthyError
from docgenctl.model.launch import Launch
from docgenctl.planning.resolve_servers import resolve_servers

#: All that some clients give: no shell of the user has run in between.
_BARE_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"

#: Tool → arguments of harmless calls, in the order of preference.
Calls = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found for one entry; times in milliseconds, None where it did not come to that."""

    connection: Connection
    outcome: Outcome
    initialize_ms: float | None = None
    call_ms: float | None = None
    tools: int | None = None


def harmless_calls(workspace: Path, environ: Mapping[str, str]) -> Calls:
    """The harmless call of each server; of every built-in one where docgen.yaml has mistakes."""
    try:
        configuration, facts = read_configuration(workspace, environ)
    except ConfigurationError:
        canaries = (image.canary for image in all_image_facts().values())
        return {canary.tool: canary.arguments for canary in canaries if canary is not None}
    return dict(canaries_of(resolve_servers(configuration.settings, facts)))


def check_clients(
    chosen: Iterable[Program], wanted: Launch, around: Surroundings, calls: Calls, *, timeout_s: float
) -> tuple[Checkup, ...]:
    """A checkup for each entry of ours, and one for each client without any."""
    found: list[Checkup] = []
    for program in chosen:
        connections = list_connections(around, wanted, [program])
        told = [one for one in connections if one.state != "none"] or list(connections[:1])
        found += [_check(one, around, calls, timeout_s) for one in told]
    return tuple(found)


def _check(connection: Connection, around: Surroundings, calls: Calls, timeout_s: float) -> Checkup:
    program = connection.program
    if connection.state == "none":
        if not connection.is_there:
            return Checkup(connection, unknown("not installed here, as far as can be seen"))
        fix = f"docgenctl clients connect {program.name}"
        return Checkup(connection, warning("it is here, and not connected", fix=fix))
    if connection.state == "broken":
        return Checkup(connection, problem(connection.detail, fix=f"mend {connection.file}"))
    if connection.state == "stale":
        return Checkup(connection, problem(connection.detail, fix=_command("disconnect", connection)))
    if connection.state == "other_project":
        fix = f"docgenctl clients connect {program.name} --name another-name"
        return Checkup(connection, warning(connection.detail, fix=fix))
    assert connection.launch is not None  # noqa: S101 - these states come with one
    again = _command("connect", connection, *_kept(connection.launch))
    if shutil.which(connection.launch.command, path=_BARE_PATH) is None:
        words = f"{connection.launch.command} is not there any more, or not for a client without your PATH"
        return Checkup(connection, problem(words, fix=again))
    try:
        if (key_file := connection.launch.key_file) is not None:
            own_key_file(key_file)
    except DocgenError as error:
        return Checkup(connection, problem(error.message, fix=error.hint))
    return _tried(connection, around, calls, timeout_s, again)


def _command(verb: str, connection: Connection, *more: str) -> str:
    """What to type about this entry and no other."""
    entry = ("--scope", connection.scope, "--name", connection.name)
    return shlex.join(["docgenctl", "clients", verb, connection.program.name, *entry, *more])


def _kept(launch: Launch) -> Iterator[str]:
    """Options by which an entry that is written anew serves the same endpoint with the same key."""
    if could_be_door(launch.door):
        yield from ("--endpoint", launch.door)
    if launch.key_file is not None:
        yield from ("--key-file", str(launch.key_file))


def _tried(
    connection: Connection, around: Surroundings, calls: Calls, timeout_s: float, again: str
) -> Checkup:
    assert connection.launch is not None  # noqa: S101 - checked by the caller
    environ = {"PATH": _BARE_PATH, "HOME": str(around.home)}
    begun = time.perf_counter()
    try:
        with TriedCommand(connection.launch, environ, timeout_s=timeout_s) as tried:
            tried.initialize()
            initialize_ms = (time.perf_counter() - begun) * 1000
            names = _names(tried.request("tools/list", {}))
            call_ms = _call(tried, names, calls)
    except NotHealthyError as error:
        return Checkup(connection, problem(error.message, *error.details, fix=_way_out(error, again)))
    words = f"{len(names)} tools"
    words += ", a call works" if call_ms is not None else ", none of them harmless enough to call"
    if connection.state == "outdated":
        outcome = warning(f"works ({words}), but not as docgenctl would write it now", fix=again)
    elif not connection.is_there:
        outcome = warning(f"works ({words}), but {connection.program.title} is not seen here")
    else:
        outcome = ok(words)
    return Checkup(connection, outcome, initialize_ms, call_ms, len(names))


def _way_out(error: NotHealthyError, again: str) -> str:
    """Of an entry that starts nothing, writing it anew; of a stack that does not serve it, what that says."""
    if error.code in ("not_started", "not_answered"):
        return again
    return "docgenctl up" if "docgenctl up" in error.hint else error.hint


def _names(listed: Mapping[str, Any]) -> list[str]:
    tools = listed.get("tools")
    return (
        [str(tool.get("name")) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    )


def _call(tried: TriedCommand, names: list[str], calls: Calls) -> float | None:
    """How long the first harmless call took that the entry offers. Raises NotHealthyError when it fails."""
    tool = next((name for name in calls if name in names), None)
    if tool is None:
        return None
    begun = time.perf_counter()
    result = tried.request("tools/call", {"name": tool, "arguments": dict(calls[tool])})
    if result.get("isError") is True:
        raise NotHealthyError(f"{tool} fails", hint="docgenctl health says more", code="rpc_error")
    return (time.perf_counter() - begun) * 1000
