"""What of a plan can be done without a container: the volumes, for somebody else to start what uses them."""

from dataclasses import replace

from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.stack import Stack
from docgenctl.planning.steps import step

_PREPARING = (Verb.CREATE_VOLUME, Verb.FILL_VOLUME)


def preparation_of(plan: Plan, stack: Stack) -> Plan:
    """The steps that make and fill volumes, needing nothing but each other.

    What a running service would reload is filled in, too, for whoever makes it anew.
    """
    steps = [step for it in plan.steps for step in _prepared(it, stack)]
    kept = {step.id for step in steps if step.verb in _PREPARING}
    return Plan(steps=tuple(replace(s, needs=s.needs & kept) for s in steps if s.id in kept))


def _prepared(it: Step, stack: Stack) -> list[Step]:
    if it.verb is not Verb.RELOAD_CONTAINER:
        return [it]
    volumes = (stack.volume(mount.volume) for mount in stack.service(it.service).volumes)
    keys = [volume.key for volume in volumes if volume.purpose.holds_content]
    return [step(Verb.FILL_VOLUME, key, it.cause) for key in keys]
