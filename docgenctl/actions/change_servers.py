"""`docgenctl servers add|remove|lock`: docgen.yaml and locks first, then the running stack, or neither."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from docgenctl.actions.cache import cache_directory
from docgenctl.actions.change_configuration import FileChange
from docgenctl.actions.choose_source import Source, Wish, choose_source, relock
from docgenctl.actions.edit_servers import put_back_on_failure, put_in, refuse_no_name, refuse_taken, take_out
from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.open_engine import open_engine
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.up import bring_up
from docgenctl.actions.up_result import UpResult
from docgenctl.configuration.package_locks import lock_name, write_lock
from docgenctl.configuration.project_identity import CONFIG_FILE
from docgenctl.configuration.yaml_source import MAX_BYTES
from docgenctl.engine.protocol import Engine
from docgenctl.files.bounded_file import read_bounded
from docgenctl.model.errors import DocgenError, EngineError, UsageError
from docgenctl.model.progress import Reporter
from docgenctl.model.server_sources import parse_package
from docgenctl.model.settings import Settings
from docgenctl.planning.lifecycle import plan_data_removal
from docgenctl.state.made_file import forget_made, note_made, was_made

#: Opens the project anew, after docgen.yaml has changed.
Reopen = Callable[[], OpenProject]


@dataclass(frozen=True, kw_only=True)
class ServerChange:
    """What became of it: the file's change, and what `up` came to; None when nothing runs, or by request."""

    name: str
    file: FileChange
    up: UpResult | None
    source: Source | None = None


def add_server(
    opened: OpenProject,
    reopen: Reopen,
    name: str,
    wish: Wish,
    reporter: Reporter,
    *,
    timeout_s: float,
    up: bool = True,
) -> ServerChange:
    """Write the entry, and let the server join a stack that runs.

    When it does not get healthy, docgen.yaml is put back and the stack with it. Raises UsageError for a name
    that is taken or is none, otherwise as `choose_source` and `bring_up` do.
    """
    source = look_up(opened, name, wish, reporter)
    directory = opened.project.directory
    with _both_or_neither(directory, reopen, reporter, timeout_s=timeout_s, up=up):
        change = put_in(directory, name, source, facts=opened.facts)
        result = _bring_up(reopen(), reporter, timeout_s=timeout_s) if up else None
    if change.made:
        note_made(opened.state_dir)
    return ServerChange(name=name, file=change, up=result, source=source)


def remove_server(
    opened: OpenProject,
    reopen: Reopen,
    name: str,
    reporter: Reporter,
    *,
    timeout_s: float,
    with_data: bool = False,
    up: bool = True,
) -> ServerChange:
    """Take the entry out, and the server from a stack that runs; its data stays, unless `with_data`.

    When the stack cannot be changed, docgen.yaml is put back and the stack with it. A docgen.yaml that
    `add_server` made goes with the last thing in it. Raises UsageError when there is no such server, and for
    data that is to go while its container stays, EngineError for data that no engine can remove now,
    otherwise as `bring_up` does.
    """
    refuse_removal(opened.configuration.settings, name, with_data=with_data, up=up)
    engine = open_engine(opened) if with_data else None
    directory = opened.project.directory
    with _both_or_neither(directory, reopen, reporter, timeout_s=timeout_s, up=up):
        change = take_out(directory, name, facts=opened.facts, made_by_us=was_made(opened.state_dir))
        result = _bring_up(reopen(), reporter, timeout_s=timeout_s) if up else None
    if engine is not None:
        data = plan_data_removal(opened.project.name, engine.observe(opened.project.name), name)
        execute_plan(data, engine, reporter)
    if change.gone:
        forget_made(opened.state_dir)
    return ServerChange(name=name, file=change, up=result)


def look_up(opened: OpenProject, name: str, wish: Wish, reporter: Reporter) -> Source:
    """What a new server is made of. Raises UsageError for a name that cannot be, else as `choose_source`."""
    settings = opened.configuration.settings
    refuse_no_name(name)
    refuse_taken(settings, name)
    reporter.begin("server", name, "looking up what it is made of")
    try:
        source = choose_source(
            wish,
            python=settings.images.python,
            cache_dir=cache_directory(opened.environ),
            on_line=lambda line: reporter.advance("server", name, line),
        )
    except BaseException:
        reporter.failed("server", name, "not added")
        raise
    reporter.done("server", name, ", ".join(map(str, source.packages)) or "taken")
    return source


def refuse_removal(settings: Settings, name: str, *, with_data: bool, up: bool) -> None:
    """Raise UsageError when there is no such server, and for data that is to go while its container stays."""
    servers = settings.servers
    if name not in servers or not servers[name].enabled:
        known = ", ".join(sorted(name for name, entry in servers.items() if entry.enabled))
        raise UsageError(f"there is no server {name}", hint=f"servers: {known or 'none'}")
    if with_data and not up:
        raise UsageError("its data can only go with its container", hint="leave out --no-up, or --volumes")


def engine_of_stack(opened: OpenProject) -> Engine | None:
    """The engine on which something of the stack is; None where nothing is, or no engine answers."""
    try:
        engine = open_engine(opened)
    except EngineError:
        return None
    return engine if engine.observe(opened.project.name).containers else None


def lock_servers(opened: OpenProject, names: list[str], reporter: Reporter) -> dict[str, str]:
    """Lock the packages of these servers anew (of all, when none is named); server → its lock.

    Raises UsageError for a server without packages, otherwise as `choose_source` does.
    """
    servers = opened.configuration.settings.servers
    wanted = names or [name for name, entry in servers.items() if entry.packages]
    written: dict[str, str] = {}
    for name in wanted:
        entry = servers.get(name)
        if entry is None or not entry.packages:
            known = ", ".join(sorted(name for name, entry in servers.items() if entry.packages))
            raise UsageError(
                f"{name} is no server with packages", hint=f"servers with some: {known or 'none'}"
            )
        packages = [parse_package(text) for text in entry.packages]
        reporter.begin("server", name, "locking")
        text = relock(
            packages,
            python=opened.configuration.settings.images.python,
            cache_dir=cache_directory(opened.environ),
            on_line=lambda line, name=name: reporter.advance("server", name, line),  # type: ignore[misc]
        )
        write_lock(opened.project.directory, name, packages[0].registry, text)
        written[name] = lock_name(name, packages[0].registry)
        reporter.done("server", name, written[name])
    return written


@contextmanager
def _both_or_neither(
    directory: Path, reopen: Reopen, reporter: Reporter, *, timeout_s: float, up: bool
) -> Iterator[None]:
    """Put docgen.yaml and the locks back when what is done fails, and take a stack back that was changed."""
    before = read_bounded(directory / CONFIG_FILE, MAX_BYTES)
    changed = False
    try:
        with put_back_on_failure(directory):
            try:
                yield
            except DocgenError:
                changed = read_bounded(directory / CONFIG_FILE, MAX_BYTES) != before
                raise
    except DocgenError as error:
        if changed and up and _back_to(reopen, reporter, timeout_s=timeout_s) and error.code == "not_in_time":
            error.hint = "docgen.yaml and the stack are as they were; --timeout would give it longer"
        raise


def _bring_up(opened: OpenProject, reporter: Reporter, *, timeout_s: float) -> UpResult | None:
    """`up`, where something of the stack is there; None where nothing is, or no engine answers."""
    engine = engine_of_stack(opened)
    return None if engine is None else bring_up(opened, engine, reporter, timeout_s=timeout_s)


def _back_to(reopen: Reopen, reporter: Reporter, *, timeout_s: float) -> bool:
    """Take the stack back to docgen.yaml; whether that was done. The first failure is what is told."""
    with suppress(DocgenError):
        opened = reopen()
        engine = engine_of_stack(opened)
        if engine is not None:
            reporter.say("docgen.yaml is as it was; taking the stack back to it")
            bring_up(opened, engine, reporter, timeout_s=timeout_s)
            return True
    return False
