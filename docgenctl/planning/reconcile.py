"""From what is to what should be: the plan, each step one engine call with its cause.

Theory of operation. Steps are named `verb:subject`, and each names the steps it needs, so that an executor
can run them in parallel without deciding anything. Three rules give the order: whatever uses a thing goes
before the thing is removed; a thing is there, and filled, before a container that uses it is created; and a
service starts when the containers exist that it depends on. It need not wait until they run: each of ours
waits for the others by itself, and starting them side by side is what makes a start short. A container is
recreated when the digest it was created from is no longer the wanted one, or when somebody changed it by hand
in a way that only this repairs (see `drift`); limits and restart policy are put right while it runs. Its
volumes are filled first, each time, because the crash of an earlier command may have left them half done and
filling twice is harmless.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from docgenctl.model.errors import RefusedError
from docgenctl.model.observed import Observation, ObservedContainer, ObservedNetwork, ObservedVolume
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.project import Project
from docgenctl.model.stack import (
    LABEL_CONTENT_DIGEST,
    LABEL_PROJECT_ID,
    LABEL_ROLE,
    LABEL_SPEC_DIGEST,
    Network,
    Service,
    Stack,
    VolumePurpose,
)
from docgenctl.planning.drift import container_drift, limits_drift, network_drift

_COMPOSE_WORKING_DIR = "com.docker.compose.project.working_dir"
#: States in which a container holds its ports and can serve.
_RUNNING = ("running", "restarting")


def refuse_foreign(project: Project, observation: Observation) -> None:
    """Raise RefusedError when the project's name is used by the stack of another directory.

    Networks and volumes count too: the data of a stack that is down is still somebody's.
    """
    for container in observation.containers:
        owner = container.labels.get(LABEL_PROJECT_ID)
        directory = container.labels.get(_COMPOSE_WORKING_DIR, "another directory")
        if owner == project.id or (owner is None and directory == str(project.directory)):
            continue
        raise _foreign(project, f"{directory}: container {container.name} was started there")
    things = [("network", network.name, network.labels) for network in observation.networks]
    things += [("volume", volume.name, volume.labels) for volume in observation.volumes]
    for kind, name, labels in things:
        if labels.get(LABEL_PROJECT_ID, project.id) != project.id:
            raise _foreign(project, f"another directory: {kind} {name} was made for it")


def _foreign(project: Project, evidence: str) -> RefusedError:
    return RefusedError(
        f"project {project.name} belongs to {evidence}",
        hint="give this one a name of its own in docgen.yaml: project: NAME",
        code="foreign_project",
    )


def plan_up(stack: Stack, observation: Observation, *, recreate: frozenset[str] = frozenset()) -> Plan:
    """The steps that make the engine hold exactly this stack, running; `recreate` names services to renew."""
    draft = _Draft(stack, observation)
    outdated = draft.outdated_networks()
    draft.orphans()
    fresh = draft.networks(outdated)
    draft.volumes()
    for service in stack.services:
        draft.service(service, fresh, forced=service.name in recreate)
    draft.stale_volumes()
    return Plan(steps=tuple(draft.steps.values()))


def plan_down(stack_project: str, observation: Observation, *, with_data: bool) -> Plan:
    """The steps that remove every container, network and volume of the project; data only on request.

    A volume in the project that we did not make stays in any case: somebody else's backup, for example.
    """
    cause = "down"
    steps: list[Step] = []
    removals: set[str] = set()
    for container in observation.containers:
        steps += _removal(container, _subject(container, observation), cause, frozenset())
        removals.add(steps[-1].id)
    for network in observation.networks:
        steps.append(_step(Verb.REMOVE_NETWORK, network.name, cause, target=network.name, needs=removals))
    for volume in observation.volumes:
        if LABEL_ROLE in volume.labels and (with_data or not _is_data(volume, stack_project)):
            steps.append(_step(Verb.REMOVE_VOLUME, volume.name, cause, target=volume.name, needs=removals))
    return Plan(steps=tuple(steps))


def plan_stop(observation: Observation, services: Iterable[str]) -> Plan:
    """Stop the running containers of these services; everything stays in place."""
    wanted = set(services)
    return Plan(
        steps=tuple(
            _step(Verb.STOP_CONTAINER, _subject(container, observation), "stop", target=container.id)
            for container in observation.containers
            if container.service in wanted and container.state in (*_RUNNING, "paused")
        )
    )


def plan_start(observation: Observation, services: Iterable[str]) -> Plan:
    """Start the containers of these services that do not run; nothing is created or changed."""
    wanted = set(services)
    return Plan(
        steps=tuple(
            _step(
                Verb.START_CONTAINER,
                _subject(container, observation),
                container.state,
                target=container.id,
            )
            for container in observation.containers
            if container.service in wanted and container.state not in _RUNNING
        )
    )


@dataclass
class _Draft:
    stack: Stack
    observation: Observation
    steps: dict[str, Step] = field(default_factory=dict)

    def add(
        self, verb: Verb, subject: str, cause: str, *, target: str = "", needs: Iterable[str] = ()
    ) -> str:
        known = {need for need in needs if need in self.steps}
        step = _step(verb, subject, cause, target=target, needs=known)
        self.steps[step.id] = step
        return step.id

    def outdated_networks(self) -> frozenset[str]:
        """Remove networks that are no longer as wanted, and who is on them; returns their engine names."""
        outdated = set()
        for network in self.stack.networks:
            seen = self._observed_network(network)
            cause = network_drift(network, seen) if seen is not None else None
            if seen is not None and cause is not None:
                outdated.add(network.name)
                needs = [
                    self._remove(container, f"network {network.key} changes")
                    for container in self.observation.containers
                    if network.name in container.networks
                ]
                self.add(Verb.REMOVE_NETWORK, network.key, cause, target=seen.name, needs=needs)
        return frozenset(outdated)

    def networks(self, outdated: frozenset[str]) -> frozenset[str]:
        """Create what is missing; after all that goes, which may hold the subnet. Returns engine names."""
        needs = [step for step in self.steps if step.startswith(Verb.REMOVE_NETWORK)]
        fresh = set()
        for network in self.stack.networks:
            if network.name in outdated or self._observed_network(network) is None:
                fresh.add(network.name)
                cause = "changed" if network.name in outdated else "missing"
                self.add(Verb.CREATE_NETWORK, network.key, cause, needs=needs)
        return frozenset(fresh)

    def _observed_network(self, network: Network) -> ObservedNetwork | None:
        observed = (*self.observation.networks, *self.observation.unlabelled_networks)
        return next((seen for seen in observed if seen.name == network.name), None)

    def orphans(self) -> None:
        """Remove containers of services that the stack no longer has, then their networks."""
        wanted = {service.name for service in self.stack.services}
        names = {network.name for network in self.stack.networks}
        seen_services: set[str] = set()
        for container in self.observation.containers:
            if container.service not in wanted:
                self._remove(container, "no longer part of the stack")
            elif container.service in seen_services:
                self._remove(container, "a second container of the same service")
            seen_services.add(container.service)
        for network in self.observation.networks:
            if network.name not in names:
                needs = [step for step in self.steps if step.startswith(Verb.REMOVE_CONTAINER)]
                needs += self._detach(network)
                self.add(
                    Verb.REMOVE_NETWORK,
                    network.name,
                    "no longer part of the stack",
                    target=network.name,
                    needs=needs,
                )

    def _detach(self, network: ObservedNetwork) -> list[str]:
        return [
            self._remove(container, f"network {network.name} goes")
            for container in self.observation.containers
            if network.name in container.networks
        ]

    def volumes(self) -> None:
        """Create what is missing."""
        existing = {volume.name for volume in self.observation.volumes}
        for volume in self.stack.volumes:
            if volume.name not in existing:
                self.add(Verb.CREATE_VOLUME, volume.key, "missing")

    def stale_volumes(self) -> None:
        """Remove config, secrets and scratch of services that are gone; data is never removed by `up`."""
        wanted = {volume.name for volume in self.stack.volumes}
        needs = [step for step in self.steps if step.startswith(Verb.REMOVE_CONTAINER)]
        for volume in self.observation.volumes:
            if volume.name not in wanted and not _is_data(volume, self.stack.project):
                self.add(
                    Verb.REMOVE_VOLUME,
                    volume.name,
                    "no longer part of the stack",
                    target=volume.name,
                    needs=needs,
                )

    def service(self, service: Service, fresh: frozenset[str], *, forced: bool) -> None:
        """Keep, start or recreate one service."""
        container = self.observation.container(service.name)
        cause = self._cause_to_recreate(service, container, fresh, forced=forced)
        starts = [f"{Verb.CREATE_CONTAINER}:{name}" for name in service.depends_on]
        if service.ports:
            # Whatever goes may still hold a port that this one publishes.
            starts += [step for step in self.steps if step.startswith(Verb.REMOVE_CONTAINER)]
        if cause is None and container is not None:
            limits = limits_drift(service, container)
            if limits is not None:
                self.add(Verb.UPDATE_CONTAINER, service.name, limits, target=container.id)
            if container.state not in _RUNNING:
                cause = "paused" if container.state == "paused" else "stopped"
                self.add(Verb.START_CONTAINER, service.name, cause, target=container.id, needs=starts)
            return
        cause = cause or "missing"
        before = [self._remove(container, cause)] if container is not None else []
        before.append(f"{Verb.REMOVE_CONTAINER}:{service.container_name}")
        filled = [self._fill(mount.volume, cause, before) for mount in service.volumes]
        networks = [f"{Verb.CREATE_NETWORK}:{place.network}" for place in service.networks]
        created = self.add(Verb.CREATE_CONTAINER, service.name, cause, needs=[*before, *filled, *networks])
        self.add(Verb.START_CONTAINER, service.name, cause, needs=[created, *starts])

    def _cause_to_recreate(
        self,
        service: Service,
        container: ObservedContainer | None,
        fresh: frozenset[str],
        *,
        forced: bool,
    ) -> str | None:
        if container is None:
            return "missing"
        if forced:
            return "asked for"
        if f"{Verb.REMOVE_CONTAINER}:{service.name}" in self.steps:
            return "its network changes"
        existing = {volume.name for volume in self.observation.volumes}
        for mount in service.volumes:
            if self.stack.volume(mount.volume).name not in existing:
                return f"volume {mount.volume} is missing"
        expected = {self.stack.network(place.network).name for place in service.networks}
        if expected & fresh:
            return "its networks changed"
        if container.state == "dead":
            return "dead"
        if container.labels.get(LABEL_SPEC_DIGEST) != service.digest:
            return _service_difference(service, container)
        return container_drift(service, self.stack, container)

    def _fill(self, key: str, cause: str, before: list[str]) -> str:
        needs = [f"{Verb.CREATE_VOLUME}:{key}", *before]
        return self.add(Verb.FILL_VOLUME, key, cause, needs=needs)

    def _remove(self, container: ObservedContainer, cause: str) -> str:
        """Stop and remove, once, whoever asks."""
        subject = _subject(container, self.observation)
        removal = f"{Verb.REMOVE_CONTAINER}:{subject}"
        if removal not in self.steps:
            for step in _removal(container, subject, cause, frozenset()):
                self.steps[step.id] = step
        return removal


def _step(verb: Verb, subject: str, cause: str, *, target: str = "", needs: Iterable[str] = ()) -> Step:
    return Step(
        id=f"{verb}:{subject}", verb=verb, subject=subject, cause=cause, target=target, needs=frozenset(needs)
    )


def _subject(container: ObservedContainer, observation: Observation) -> str:
    """The service's name; the container's own for a second one of the same service, or one of none."""
    first = observation.container(container.service) is container
    return container.service if first and container.service else container.name


def _removal(container: ObservedContainer, subject: str, cause: str, needs: frozenset[str]) -> list[Step]:
    steps = []
    if container.state in (*_RUNNING, "paused"):
        steps.append(_step(Verb.STOP_CONTAINER, subject, cause, target=container.id, needs=needs))
        needs = needs | {steps[-1].id}
    steps.append(_step(Verb.REMOVE_CONTAINER, subject, cause, target=container.id, needs=needs))
    return steps


def _is_data(volume: ObservedVolume, project: str) -> bool:
    """Data is what we labelled as such, and anything in the project that we did not label at all."""
    role = volume.labels.get(LABEL_ROLE)
    if role is None:
        return True
    return role == VolumePurpose.DATA and volume.name.startswith(f"{project}_")


def _service_difference(service: Service, container: ObservedContainer) -> str:
    if container.image != service.image:
        return f"image {_short(container.image)} → {_short(service.image)}"
    if container.labels.get(LABEL_CONTENT_DIGEST) != service.labels.get(LABEL_CONTENT_DIGEST):
        return "its configuration or secrets changed"
    seen = {(port.host_ip, port.host_port, port.container_port) for port in container.ports}
    wanted = {(port.host_ip, port.host_port, port.container_port) for port in service.ports}
    if seen != wanted and container.ports:
        return "its ports changed"
    return "its definition changed"


def _short(reference: str) -> str:
    return reference if len(reference) < 60 else f"{reference[:40]}…"
