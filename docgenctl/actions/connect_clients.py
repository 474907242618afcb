"""`docgenctl clients list|connect|disconnect`: entries for our bridge in the files of MCP clients."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from docgenctl.clients.programs import PROGRAMS, Program, Scope, Surroundings
from docgenctl.clients.server_list import Edit, ServerList
from docgenctl.configuration.project_identity import slug
from docgenctl.endpoint.address import own_key_file
from docgenctl.model.errors import ConfigurationError, DocgenError, RefusedError, UsageError
from docgenctl.model.launch import Launch
from docgenctl.state.directory import STATE_DIR_VARIABLE, state_base

DEFAULT_NAME = "docgenctl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One client and scope, and an entry for a bridge of ours there.

    `state` is `connected`; `outdated`: it starts the bridge of this workspace in another way than `connect`
    would write now; `other_project`: it has our name and serves another workspace; `stale`: its workspace is
    not there any more; `broken`: the file cannot be read; `none`. `detail` says what is wrong.
    """

    program: Program
    scope: Scope
    file: Path
    is_there: bool
    state: str
    name: str = ""
    launch: Launch | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What `connect` or `disconnect` did to one file; `error` when it could not."""

    program: Program
    scope: Scope
    name: str
    file: Path
    edit: Edit | None = None
    error: DocgenError | None = None


def surroundings(workspace: Path, environ: Mapping[str, str]) -> Surroundings:
    """Where the files of clients lie for this user and workspace."""
    home = environ.get("HOME", "")
    return Surroundings(workspace, Path(home) if home else Path.home(), sys.platform, environ)


def programs(names: Sequence[str]) -> tuple[Program, ...]:
    """Those of these names. Raises UsageError for one that there is not."""
    known = {program.name: program for program in PROGRAMS}
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no client {name} that docgenctl knows",
                hint=f"clients: {', '.join(known)}; for any other: docgenctl clients snippet",
            )
    return tuple(known[name] for name in dict.fromkeys(names))


def detected(around: Surroundings) -> tuple[Program, ...]:
    """Those that are installed or were used here."""
    return tuple(program for program in PROGRAMS if program.is_there(around))


def with_scope(chosen: Sequence[Program], scope: Scope | None) -> Sequence[Program]:
    """Those that have a file of that scope; all of them when none has, or none is wanted."""
    return [program for program in chosen if scope in program.scopes()] or chosen


def bridge_command(
    workspace: Path, environ: Mapping[str, str], endpoint: str = "", key_file: Path | None = None
) -> Launch:
    """How a client starts the bridge of this workspace: by absolute paths, since it may know no PATH.

    The state directory is named where it is not the one that docgenctl finds by itself. Raises UsageError for
    an endpoint that there is not, NotHealthyError and RefusedError for a key file that cannot be used: the
    client would be told nothing but that the bridge ended.
    """
    _refuse_unknown_door(endpoint, workspace, environ)
    own = _own_command()
    named = any(environ.get(name) for name in (STATE_DIR_VARIABLE, "XDG_STATE_HOME"))
    env = {STATE_DIR_VARIABLE: str(state_base(environ))} if named else {}
    key = ("--key-file", str(own_key_file(key_file))) if key_file else ()
    args = (*own[1:], "mcp", *((endpoint,) if endpoint else ()), "--project-dir", str(workspace), *key)
    return Launch(own[0], args, env)


def _refuse_unknown_door(door: str, workspace: Path, environ: Mapping[str, str]) -> None:
    """Where docgen.yaml has mistakes, any name that an endpoint could have is taken."""
    if not door:
        return
    # Imported when needed: clients are looked at without the configuration, and sooner.
    from docgenctl.actions.bridge_stdio import refuse_odd_door
    from docgenctl.actions.find_endpoint import partial_endpoints
    from docgenctl.actions.open_project import read_configuration
    from docgenctl.planning.resolve_servers import resolve_servers

    refuse_odd_door(door)
    with suppress(ConfigurationError):
        configuration, facts = read_configuration(workspace, environ)
        known = partial_endpoints(configuration.settings, resolve_servers(configuration.settings, facts))
        if door not in known:
            raise UsageError(f"there is no endpoint {door}", hint=f"endpoints: {', '.join(sorted(known))}")


def _own_command() -> tuple[str, ...]:
    """The program that runs: by its name on the PATH if that is the same, since it survives an upgrade."""
    beside = Path(sys.executable).parent / "docgenctl"
    started = Path(sys.argv[0]) if os.path.basename(sys.argv[0]) == "docgenctl" else beside  # noqa: PTH119
    if not started.is_file():
        return (sys.executable, "-m", "docgenctl")
    found = shutil.which("docgenctl")
    if found is not None and os.path.realpath(found) == os.path.realpath(started):
        return (os.path.abspath(found),)  # noqa: PTH100 - links stay links
    return (os.path.abspath(started),)  # noqa: PTH100


def default_name(scope: Scope, workspace: Path) -> str:
    """Of the entry: several workspaces share the user's file, so there it says which."""
    return DEFAULT_NAME if scope == "project" else f"{DEFAULT_NAME}-{slug(workspace.name)}"


def list_connections(
    around: Surroundings, wanted: Launch, chosen: Iterable[Program] = PROGRAMS
) -> tuple[Connection, ...]:
    """Every client in every scope; a file that cannot be read is `broken` and hides no other."""
    return tuple(
        connection
        for program in chosen
        for scope in program.scopes()
        for connection in _connections(ServerList(program, scope, around), around, wanted)
    )


def _connections(file: ServerList, around: Surroundings, wanted: Launch) -> Iterable[Connection]:
    def told(state: str, name: str = "", launch: Launch | None = None, detail: str = "") -> Connection:
        return Connection(
            program=file.program,
            scope=file.scope,
            file=file.path,
            is_there=file.program.is_there(around),
            state=state,
            name=name,
            launch=launch,
            detail=detail,
        )

    try:
        servers = file.servers()
    except (ConfigurationError, RefusedError) as error:
        return [told("broken", detail=error.message)]
    found = []
    for name, entry in servers.items():
        launch = Launch.read(entry)
        if launch is None or not launch.is_bridge:
            continue
        directory = _served(launch, file, around)
        if directory == os.path.realpath(around.workspace):
            state = "connected" if entry == file.program.entry(_with_door(wanted, launch)) else "outdated"
            found.append(told(state, name, launch))
        elif not Path(directory).is_dir():
            found.append(told("stale", name, launch, f"it serves {directory}, which is not there any more"))
        elif name in (DEFAULT_NAME, default_name(file.scope, around.workspace)):
            found.append(told("other_project", name, launch, f"it serves {directory}"))
    return found or [told("none")]


def _with_door(wanted: Launch, launch: Launch) -> Launch:
    """The wanted command for the endpoint and the key file that the entry has."""
    own = wanted.args
    at = own.index("mcp") + 1
    door = (launch.door,) if launch.door else ()
    key = ("--key-file", str(launch.key_file)) if launch.key_file else ()
    return Launch(wanted.command, (*own[:at], *door, *own[at:], *key), wanted.env)


def _served(launch: Launch, file: ServerList, around: Surroundings) -> str:
    """The real path of the workspace that an entry serves; one without serves that which its file lies in."""
    directory = launch.directory
    if directory is None:
        return os.path.realpath(around.workspace if file.scope == "project" else around.home)
    return os.path.realpath(around.workspace / directory)


def connect(
    chosen: Iterable[Program],
    scope: Scope | None,
    name: str,
    launch: Launch,
    around: Surroundings,
    *,
    dry_run: bool,
) -> tuple[Change, ...]:
    """Write the entry into each client's file; what goes wrong with one is told and stops no other.

    Raises UsageError before anything is written for a client without that scope.
    """
    files = [ServerList(program, _scope(program, scope), around) for program in chosen]

    def one(file: ServerList) -> tuple[str, Edit]:
        entry = name or default_name(file.scope, around.workspace)
        _refuse_foreign(file, entry, around)
        return entry, file.change(entry, launch, dry_run=dry_run)

    return tuple(_attempt(file, one, name) for file in files)


def disconnect(
    chosen: Iterable[Program],
    scope: Scope | None,
    name: str,
    launch: Launch,
    around: Surroundings,
    *,
    dry_run: bool,
) -> tuple[Change, ...]:
    """Take every entry for this workspace's bridge away, or the one of this name if it is one of ours.

    Raises UsageError as `connect` does.
    """
    files = [
        ServerList(program, each, around)
        for program in chosen
        for each in (program.scopes() if scope is None else (_scope(program, scope),))
    ]
    changes = []
    for file in files:
        for connection in _connections(file, around, launch):
            if connection.state == "none" or (name and connection.name not in ("", name)):
                continue
            if connection.state in ("other_project", "stale") and not name:
                continue
            changes.append(_taken_away(file, connection, dry_run=dry_run))
    return tuple(changes)


def _taken_away(file: ServerList, connection: Connection, *, dry_run: bool) -> Change:
    return _attempt(
        file,
        lambda list_: (connection.name, list_.change(connection.name, None, dry_run=dry_run)),
        connection.name,
    )


def _attempt(file: ServerList, do: Callable[[ServerList], tuple[str, Edit]], name: str) -> Change:
    change = Change(program=file.program, scope=file.scope, name=name, file=file.path)
    try:
        entry, edit = do(file)
    except DocgenError as error:
        return replace(change, error=error)
    return replace(change, name=entry, edit=edit)


def _scope(program: Program, scope: Scope | None) -> Scope:
    if scope is None:
        return program.scopes()[0]
    if scope not in program.scopes():
        raise UsageError(
            f"{program.title} has no list of servers for a single project", hint="use --scope user"
        )
    return scope


def _refuse_foreign(file: ServerList, name: str, around: Surroundings) -> None:
    entry = file.servers().get(name)
    if entry is None:
        return
    launch = Launch.read(entry)
    if launch is None or not launch.is_bridge:
        raise RefusedError(
            f"{file.path} has a server named {name} already, and it is none of docgenctl's",
            hint="choose another name: --name docgenctl-2",
            code="name_taken",
        )
    served = _served(launch, file, around)
    if served != os.path.realpath(around.workspace) and Path(served).is_dir():
        raise RefusedError(
            f"{name} in {file.path} serves another workspace, {served}",
            hint=f"choose another name with --name, or remove it first: docgenctl clients disconnect "
            f"{file.program.name} --name {name}",
            code="name_taken",
        )
