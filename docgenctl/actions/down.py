"""`docgenctl down`: take the stack away; data, state and images stay unless asked otherwise."""

from docgenctl.actions.changing import changing
from docgenctl.actions.execute_plan import execute_plan
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.remember_content import forget_scale
from docgenctl.engine.protocol import Engine
from docgenctl.model.plan import Plan
from docgenctl.model.progress import Reporter
from docgenctl.planning.lifecycle import plan_down
from docgenctl.planning.reconcile import refuse_foreign


def take_down(
    opened: OpenProject,
    engine: Engine,
    reporter: Reporter,
    *,
    with_data: bool,
    before: Engine | None = None,
) -> Plan:
    """Remove containers, networks and every volume but data (with `with_data` that too).

    `before` is an engine that the stack ran on before and that still keeps data of it; that goes too.
    Returns what was done; an empty plan when there was nothing. Raises LockedError, RefusedError for a
    stack of another directory, and EngineError.
    """
    with changing(opened, "docgenctl down", frees=True) as change:
        observation = engine.observe(opened.project.name)
        refuse_foreign(opened.project, observation)
        plan = plan_down(opened.project.name, observation, with_data=with_data)
        execute_plan(plan, engine, reporter)
        if before is not None:
            left = plan_down(opened.project.name, before.observe(opened.project.name), with_data=with_data)
            execute_plan(left, before, reporter)
            plan = Plan(steps=(*plan.steps, *left.steps))
        forget_scale(opened)
        if plan.empty:
            change.nothing_changed()
        return plan
