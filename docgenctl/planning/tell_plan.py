"""What a plan means for those who use the stack: which service is touched, and which port moves."""

from collections.abc import Mapping

from docgenctl.model.forecast import PortMove, ServiceForecast
from docgenctl.model.observed import Observation
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.setting_values import PortRange

_SERVING = ("running", "restarting")
_CONTAINER_VERBS = (
    Verb.CREATE_CONTAINER,
    Verb.START_CONTAINER,
    Verb.STOP_CONTAINER,
    Verb.REMOVE_CONTAINER,
    Verb.UPDATE_CONTAINER,
    Verb.RELOAD_CONTAINER,
    Verb.ADMIT_CONTAINER,
    Verb.DRAIN_CONTAINER,
    Verb.CONNECT_NETWORK,
    Verb.DISCONNECT_NETWORK,
)


def touched_services(plan: Plan, observation: Observation) -> tuple[ServiceForecast, ...]:
    """One entry a service that the plan touches, in the plan's order."""
    steps: dict[str, dict[Verb, Step]] = {}
    for step in plan.steps:
        if step.verb in _CONTAINER_VERBS:
            steps.setdefault(step.subject, {})[step.verb] = step
    return tuple(_forecast(subject, verbs, observation) for subject, verbs in steps.items())


def _forecast(subject: str, verbs: Mapping[Verb, Step], observation: Observation) -> ServiceForecast:
    one = next(iter(verbs.values()))
    container = next(
        (c for c in observation.containers if (c.service, c.number) == (one.service, one.number)), None
    )
    serves = container is not None and container.state in _SERVING
    if Verb.CREATE_CONTAINER in verbs:
        action = "recreated" if Verb.REMOVE_CONTAINER in verbs else "created"
        step = verbs[Verb.CREATE_CONTAINER]
    else:
        verb, action = next((verb, word) for verb, word in _WORDS.items() if verb in verbs)
        step = verbs[verb]
    return ServiceForecast(
        service=subject,
        action=action,
        cause=step.cause,
        # Callers of one that is drained are with another of its service by then.
        interrupts=serves
        and Verb.DRAIN_CONTAINER not in verbs
        and action in ("recreated", "removed", "stopped"),
    )


_WORDS = {
    Verb.REMOVE_CONTAINER: "removed",
    Verb.STOP_CONTAINER: "stopped",
    Verb.START_CONTAINER: "started",
    Verb.RELOAD_CONTAINER: "reloaded",
    Verb.UPDATE_CONTAINER: "updated",
    Verb.CONNECT_NETWORK: "connected",
    Verb.DISCONNECT_NETWORK: "disconnected",
}


def moved_ports(
    chosen: Mapping[str, int], remembered: Mapping[str, int], wanted: Mapping[str, PortRange]
) -> tuple[PortMove, ...]:
    """Ports that differ from the remembered ones, by purpose, and why they move."""
    return tuple(
        PortMove(
            purpose=purpose, old=remembered.get(purpose), new=port, cause=_cause(purpose, remembered, wanted)
        )
        for purpose, port in sorted(chosen.items())
        if remembered.get(purpose) != port
    )


def _cause(purpose: str, remembered: Mapping[str, int], wanted: Mapping[str, PortRange]) -> str:
    old = remembered.get(purpose)
    if old is None:
        return "not published before"
    if not wanted[purpose].first <= old <= wanted[purpose].last:
        return f"{old} is not in {wanted[purpose]}, which is configured now"
    return f"{old} is held by somebody else"
