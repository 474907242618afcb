"""What of a plan can be done without a container: the volumes, for somebody else to start what uses them."""

from dataclasses import replace

from docgenctl.model.plan import Plan, Verb

_PREPARING = (Verb.CREATE_VOLUME, Verb.FILL_VOLUME)


def preparation_of(plan: Plan) -> Plan:
    """The steps that make and fill volumes, needing nothing but each other."""
    kept = {step.id for step in plan.steps if step.verb in _PREPARING}
    return Plan(steps=tuple(replace(s, needs=s.needs & kept) for s in plan.steps if s.id in kept))
