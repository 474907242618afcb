"""`docgenctl servers add|remove --dry-run`: what would become of docgen.yaml, the locks and the stack.

The entry is written within the rehearsal and the project opened anew, as the commands do in earnest. What a
new server is made of is really looked up: nobody but a registry can tell which versions there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from docgenctl.actions.change_configuration import FileChange
from docgenctl.actions.change_servers import Reopen, engine_of_stack, look_up, refuse_removal
from docgenctl.actions.choose_source import Wish
from docgenctl.actions.edit_servers import put_in, take_out
from docgenctl.actions.foresee import engine_name, foresee_up
from docgenctl.actions.open_engine import open_engine
from docgenctl.actions.open_project import OpenProject
from docgenctl.configuration.package_locks import locks_of
from docgenctl.model.forecast import FileForecast, Forecast
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Reporter
from docgenctl.planning.lifecycle import plan_data_removal
from docgenctl.state.made_file import was_made


def foresee_add(
    opened: OpenProject, reopen: Reopen, name: str, wish: Wish, reporter: Reporter, *, up: bool = True
) -> Forecast:
    """What `add_server` would do, within a rehearsal. Raises as it does before it changes anything."""
    source = look_up(opened, name, wish, reporter)
    directory = opened.project.directory
    before = locks_of(directory, name)
    change = put_in(directory, name, source, facts=opened.facts)
    files = (_of_settings(change), *_of_locks(before, locks_of(directory, name)))
    return _followed(reopen(), "servers add", files, up=up)


def foresee_remove(
    opened: OpenProject, reopen: Reopen, name: str, *, with_data: bool = False, up: bool = True
) -> Forecast:
    """What `remove_server` would do, within a rehearsal. Raises as it does before it changes anything."""
    refuse_removal(opened.configuration.settings, name, with_data=with_data, up=up)
    engine = open_engine(opened) if with_data else None
    directory = opened.project.directory
    before = locks_of(directory, name)
    change = take_out(directory, name, facts=opened.facts, made_by_us=was_made(opened.state_dir))
    files = (_of_settings(change), *_of_locks(before, locks_of(directory, name)))
    forecast = _followed(reopen(), "servers remove", files, up=up)
    if engine is None:
        return forecast
    project = opened.project.name
    data = plan_data_removal(project, engine.observe(project), name)
    steps = (*forecast.plan.steps, *data.steps)
    return replace(forecast, engine=engine_name(engine), plan=Plan(steps=steps))


def _followed(changed: OpenProject, command: str, files: tuple[FileForecast, ...], *, up: bool) -> Forecast:
    """These files, and what a stack that is there would do about them; without an engine where none is."""
    engine = engine_of_stack(changed) if up else None
    if engine is None:
        return Forecast(project=changed.project.name, command=command, engine=None, files=files)
    whole = foresee_up(changed, engine, command=command)
    return replace(whole, files=(*files, *whole.files))


def _of_settings(change: FileChange) -> FileForecast:
    kind = "removed" if change.gone else "created" if change.made else "changed"
    return FileForecast(path=change.file.name, change=kind, diff=change.diff)


def _of_locks(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[FileForecast]:
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            kind = "created" if path not in before else "changed" if path in after else "removed"
            yield FileForecast(path=path, change=kind, diff="")
