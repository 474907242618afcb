"""Plans of `down`, `stop` and `start`: what is there goes, halts or runs; nothing is made."""

from collections.abc import Iterable

from docgenctl.model.blueprint import origin_name
from docgenctl.model.observed import Observation
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.stack import LABEL_ROLE, VolumePurpose
from docgenctl.planning.stack_part import volume_key
from docgenctl.planning.steps import RUNNING, is_data, removal, step, subject_of


def plan_down(stack_project: str, observation: Observation, *, with_data: bool) -> Plan:
    """The steps that remove every container, network and volume of the project; data only on request.

    A volume in the project that we did not make stays in any case: somebody else's backup, for example.
    """
    cause = "down"
    steps: list[Step] = []
    removals: set[str] = set()
    for container in observation.containers:
        steps += removal(container, subject_of(container, observation), cause, frozenset())
        removals.add(steps[-1].id)
    for network in observation.networks:
        steps.append(step(Verb.REMOVE_NETWORK, network.name, cause, target=network.name, needs=removals))
    for volume in observation.volumes:
        if LABEL_ROLE in volume.labels and (with_data or not is_data(volume, stack_project)):
            steps.append(step(Verb.REMOVE_VOLUME, volume.name, cause, target=volume.name, needs=removals))
    return Plan(steps=tuple(steps))


def plan_data_removal(stack_project: str, observation: Observation, server: str) -> Plan:
    """The steps that remove the data of a server whose containers are gone."""
    keys = (volume_key(service, VolumePurpose.DATA) for service in (server, origin_name(server)))
    names = {f"{stack_project}_{key}" for key in keys}
    return Plan(
        steps=tuple(
            step(Verb.REMOVE_VOLUME, volume.name, "asked for", target=volume.name)
            for volume in observation.volumes
            if volume.name in names
        )
    )


def plan_stop(observation: Observation, services: Iterable[str]) -> Plan:
    """Stop the running containers of these services; everything stays in place."""
    wanted = set(services)
    return Plan(
        steps=tuple(
            step(
                Verb.STOP_CONTAINER,
                subject_of(container, observation),
                "stop",
                target=container.id,
                service=container.service,
                number=container.number,
            )
            for container in observation.containers
            if container.service in wanted and container.state in (*RUNNING, "paused")
        )
    )


def plan_start(observation: Observation, services: Iterable[str]) -> Plan:
    """Start the containers of these services that do not run; nothing is created or changed."""
    wanted = set(services)
    return Plan(
        steps=tuple(
            step(
                Verb.START_CONTAINER,
                subject_of(container, observation),
                container.state,
                target=container.id,
                service=container.service,
                number=container.number,
            )
            for container in observation.containers
            if container.service in wanted and container.state not in RUNNING
        )
    )
