"""How steps are made and named, for all who plan."""

from collections.abc import Iterable

from docgenctl.model.observed import Observation, ObservedContainer, ObservedVolume
from docgenctl.model.plan import Step, Verb
from docgenctl.model.stack import LABEL_ROLE, VolumePurpose

#: States in which a container holds its ports and can serve.
RUNNING = ("running", "restarting")


def step(
    verb: Verb,
    subject: str,
    cause: str,
    *,
    target: str = "",
    needs: Iterable[str] = (),
    network: str = "",
    service: str = "",
    number: int = 1,
) -> Step:
    """A step under the id `verb:subject`, and `:network` where there is one."""
    return Step(
        id=f"{verb}:{subject}:{network}" if network else f"{verb}:{subject}",
        verb=verb,
        subject=subject,
        cause=cause,
        target=target,
        needs=frozenset(needs),
        network=network,
        service=service or subject,
        number=number,
    )


def instance_name(service: str, number: int) -> str:
    """What a plan calls the container of that number: by its service, the first without a number."""
    return service if number == 1 else f"{service}#{number}"


def subject_of(container: ObservedContainer, observation: Observation) -> str:
    """The instance's name; the container's own for a second one of the same number, or of no service."""
    same = (
        other
        for other in observation.containers
        if (other.service, other.number) == (container.service, container.number)
    )
    if container.service and next(same) is container:
        return instance_name(container.service, container.number)
    return container.name


def removal(
    container: ObservedContainer, subject: str, cause: str, needs: frozenset[str], *, drained: bool = False
) -> list[Step]:
    """The steps that stop it, where it runs, and remove it; callers are `drained` from it before."""
    steps = []
    more = {"target": container.id, "service": container.service, "number": container.number}
    if drained:
        steps.append(step(Verb.DRAIN_CONTAINER, subject, cause, needs=needs, **more))  # type: ignore[arg-type]
        needs = needs | {steps[-1].id}
    if container.state in (*RUNNING, "paused"):
        steps.append(step(Verb.STOP_CONTAINER, subject, cause, needs=needs, **more))  # type: ignore[arg-type]
        needs = needs | {steps[-1].id}
    steps.append(step(Verb.REMOVE_CONTAINER, subject, cause, needs=needs, **more))  # type: ignore[arg-type]
    return steps


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, each behind those that it needs, otherwise as they are."""
    ordered: dict[str, Step] = {}
    waiting = list(steps)
    while waiting:
        ready = next(it for it in waiting if it.needs <= ordered.keys())
        waiting.remove(ready)
        ordered[ready.id] = ready
    return tuple(ordered.values())


def is_data(volume: ObservedVolume, project: str) -> bool:
    """Data is what we labelled as such, and anything in the project that we did not label at all."""
    role = volume.labels.get(LABEL_ROLE)
    if role is None:
        return True
    return role == VolumePurpose.DATA and volume.name.startswith(f"{project}_")
