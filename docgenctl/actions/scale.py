"""`docgenctl scale`: run more or fewer orchestrators, and remember it until the settings change."""

from collections.abc import Mapping

from docgenctl.actions.changing import changing
from docgenctl.actions.foresee import foresee_up
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.up import bring_up_locked
from docgenctl.actions.up_result import UpResult
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.forecast import Forecast
from docgenctl.model.progress import Reporter
from docgenctl.model.state import Scaled
from docgenctl.planning.choose_replicas import refuse_impossible, replicas_wanted
from docgenctl.state.store import StateStore


def scale(
    opened: OpenProject, engine: Engine, reporter: Reporter, wanted: Mapping[str, int], *, timeout_s: float
) -> tuple[int, UpResult]:
    """Bring the running stack to these counts, by service; how many orchestrators run, and what was done.

    Raises UsageError and RefusedError `cannot_scale` for what cannot be, NotHealthyError for a stack that
    was never started, and whatever `up` raises.
    """
    settings = opened.configuration.settings
    refuse_impossible(settings, wanted, isolates=engine.info().isolates)
    with changing(opened, "docgenctl scale") as change:
        count = _decide(opened, engine, wanted)
        result, _ = bring_up_locked(opened, engine, reporter, timeout_s=timeout_s)
        if result.plan.empty:
            change.nothing_changed()
    return count, result


def foresee_scale(opened: OpenProject, engine: Engine, wanted: Mapping[str, int]) -> Forecast:
    """What `scale` would do, within a rehearsal. Raises as `scale` and `foresee_up` do."""
    refuse_impossible(opened.configuration.settings, wanted, isolates=engine.info().isolates)
    _decide(opened, engine, wanted)
    return foresee_up(opened, engine, command="scale")


def _decide(opened: OpenProject, engine: Engine, wanted: Mapping[str, int]) -> int:
    """Remember how many orchestrators are wanted from now on; that many."""
    if not engine.observe(opened.project.name).containers:
        raise NotHealthyError(
            "no container of this stack exists", hint="start it with: docgenctl up", code="never_started"
        )
    settings = opened.configuration.settings
    store = StateStore(opened.state_dir)
    state = store.read()
    count = wanted.get("orchestrator", replicas_wanted(settings, state.scaled))
    configured = settings.orchestrator.replicas
    scaled = None if count == configured else Scaled(replicas=count, configured=configured)
    store.write(state.model_copy(update={"scaled": scaled}))
    return count
