"""From what is to what should be: the plan, each step one engine call with its cause.

Theory of operation. Steps are named `verb:subject`, and each names the steps it needs, so that an executor
can run them in parallel without deciding anything. Three rules give the order: whatever uses a thing goes
before the thing is removed; a thing is there, and filled, before a container that uses it is created; and a
service starts when the containers exist that it depends on. It need not wait until they run: each of ours
waits for the others by itself, and starting them side by side is what makes a start short.

Who calls a service that leaves the stack, and runs on, first takes over content that no longer names it. That
is wished, not needed: where the content has to wait for what the leaving one holds, such as its subnet, it
leaves at once.

A container is recreated when the digest it was created from is no longer the wanted one, or when somebody
changed it by hand in a way that only this repairs (see `drift`). What it can take over while it runs is
changed in place: limits and restart policy, the networks it is on, and the content of its volumes where the
service can reload (see `live_changes`). Who is recreated is settled before anything else, because a network
that is made anew is left in place by those who stay, and with the container by those who go. Volumes of a
container that is created are filled first, each time, because the crash of an earlier command may have left
them half done and filling twice is harmless.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from docgenctl.model.errors import RefusedError
from docgenctl.model.observed import Observation, ObservedContainer, ObservedNetwork
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.project import Project
from docgenctl.model.stack import (
    LABEL_PROJECT_ID,
    LABEL_SPEC_DIGEST,
    Network,
    Service,
    Stack,
)
from docgenctl.planning.drift import container_drift, limits_drift, network_drift, service_difference
from docgenctl.planning.live_changes import (
    content_change,
    is_live,
    networks_to_join,
    networks_to_leave,
    tied_networks,
)
from docgenctl.planning.steps import RUNNING, in_order, instance_name, is_data, removal, step, subject_of

_COMPOSE_WORKING_DIR = "com.docker.compose.project.working_dir"


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
    draft = _Draft(stack, observation, recreate)
    draft.settle()
    draft.outdated_networks()
    draft.orphans()
    draft.networks()
    draft.volumes()
    for service in stack.services:
        draft.service(service)
    draft.stale_volumes()
    draft.farewells()
    return Plan(steps=in_order(draft.steps.values()))


@dataclass
class _Draft:
    stack: Stack
    observation: Observation
    forced: frozenset[str]
    steps: dict[str, Step] = field(default_factory=dict)
    #: engine names of networks that are made anew, and of all that are made
    outdated: dict[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    #: id → why a container of the stack is not the one to keep
    replaced: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        verb: Verb,
        subject: str,
        cause: str,
        *,
        target: str = "",
        needs: Iterable[str] = (),
        network: str = "",
        of: tuple[str, int] = ("", 1),
    ) -> str:
        known = {need for need in needs if need in self.steps}
        made = step(
            verb, subject, cause, target=target, needs=known, network=network, service=of[0], number=of[1]
        )
        self.steps[made.id] = made
        return made.id

    def settle(self) -> None:
        """Which networks are made, and which containers are not kept."""
        seen = {network.key: self._observed_network(network) for network in self.stack.networks}
        for network in self.stack.networks:
            observed = seen[network.key]
            cause = network_drift(network, observed) if observed is not None else None
            if cause is not None:
                self.outdated[network.name] = cause
        missing = {network.name for network in self.stack.networks if seen[network.key] is None}
        self.fresh = frozenset(missing | self.outdated.keys())
        for service in self.stack.services:
            for number in range(1, service.replicas + 1):
                container = self._instance(service.name, number)
                cause = self._cause_to_recreate(service, container) if container else None
                if container is not None and cause is not None:
                    self.replaced[container.id] = cause

    def _instance(self, service: str, number: int) -> ObservedContainer | None:
        return next(
            (c for c in self.observation.containers if (c.service, c.number) == (service, number)), None
        )

    def outdated_networks(self) -> None:
        """Remove networks that are no longer as wanted, once nobody is on them."""
        for network in self.stack.networks:
            seen = self._observed_network(network)
            if seen is not None and network.name in self.outdated:
                needs = self._leave(network.name, f"network {network.key} changes")
                self.add(
                    Verb.REMOVE_NETWORK,
                    network.key,
                    self.outdated[network.name],
                    target=seen.name,
                    needs=needs,
                )

    def _leave(self, name: str, cause: str) -> list[str]:
        """Take everybody off a network: by a step of its own who stays, by its removal who does not."""
        kept = {service.name: service for service in self.stack.services}
        left = []
        for container in self.observation.containers:
            if name in container.networks:
                service = kept.get(container.service)
                stays = service is not None and self._is_kept(container, service)
                left.append(self._disconnect(container, name) if stays else self._remove(container, cause))
        return left

    def _is_kept(self, container: ObservedContainer, service: Service) -> bool:
        return (
            container.number <= service.replicas
            and self._instance(service.name, container.number) is container
            and container.id not in self.replaced
            and is_live(container)
        )

    def _disconnect(self, container: ObservedContainer, name: str) -> str:
        service = self.stack.service(container.service)
        changes = networks_to_leave(service, self.stack, container, frozenset(self.outdated))
        cause = next(change.cause for change in changes if change.name == name)
        return self._leave_step(container, name, cause)

    def _leave_step(self, container: ObservedContainer, name: str, cause: str) -> str:
        subject = instance_name(container.service, container.number)
        left = f"{Verb.DISCONNECT_NETWORK}:{subject}:{name}"
        if left not in self.steps:
            of = (container.service, container.number)
            self.add(Verb.DISCONNECT_NETWORK, subject, cause, target=container.id, network=name, of=of)
        return left

    def networks(self) -> None:
        """Create what is missing; after all that goes, which may hold the subnet."""
        needs = [it for it in self.steps if it.startswith(Verb.REMOVE_NETWORK)]
        for network in self.stack.networks:
            if network.name in self.fresh:
                cause = "changed" if network.name in self.outdated else "missing"
                self.add(Verb.CREATE_NETWORK, network.key, cause, needs=needs)

    def _observed_network(self, network: Network) -> ObservedNetwork | None:
        observed = (*self.observation.networks, *self.observation.unlabelled_networks)
        return next((seen for seen in observed if seen.name == network.name), None)

    def orphans(self) -> None:
        """Remove containers that the stack no longer has, then its surplus networks."""
        wanted = {service.name: service.replicas for service in self.stack.services}
        seen: set[tuple[str, int]] = set()
        for container in self.observation.containers:
            place = (container.service, container.number)
            if container.service not in wanted:
                self._remove(container, "no longer part of the stack")
            elif container.number > wanted[container.service]:
                self._remove(container, f"scaled to {wanted[container.service]}")
            elif place in seen:
                self._remove(container, "a second container of the same service")
            seen.add(place)
        names = {network.name for network in self.stack.networks}
        for network in self.observation.networks:
            if network.name not in names:
                needs = [it for it in self.steps if it.startswith(Verb.REMOVE_CONTAINER)]
                needs += self._leave(network.name, f"network {network.name} goes")
                self.add(
                    Verb.REMOVE_NETWORK,
                    network.name,
                    "no longer part of the stack",
                    target=network.name,
                    needs=needs,
                )

    def volumes(self) -> None:
        """Create what is missing."""
        existing = {volume.name for volume in self.observation.volumes}
        for volume in self.stack.volumes:
            if volume.name not in existing:
                self.add(Verb.CREATE_VOLUME, volume.key, "missing")

    def stale_volumes(self) -> None:
        """Remove config, secrets and scratch of services that are gone; data is never removed by `up`."""
        wanted = {volume.name for volume in self.stack.volumes}
        needs = [it for it in self.steps if it.startswith(Verb.REMOVE_CONTAINER)]
        for volume in self.observation.volumes:
            if volume.name not in wanted and not is_data(volume, self.stack.project):
                self.add(
                    Verb.REMOVE_VOLUME,
                    volume.name,
                    "no longer part of the stack",
                    target=volume.name,
                    needs=needs,
                )

    def farewells(self) -> None:
        """Keep a service that leaves until those who call it have gone, or work without it."""
        services = {service.name: service for service in self.stack.services}
        for leaving in self.observation.containers:
            if leaving.service in services:
                continue
            subject = subject_of(leaving, self.observation)
            for caller in self.observation.containers:
                service = services.get(caller.service)
                shared = caller.networks.keys() & leaving.networks.keys()
                # Who depends on nobody is only called itself: the egress proxy, by servers to their end.
                if service is None or not service.depends_on or not shared:
                    continue
                name = subject_of(caller, self.observation)
                for done in (f"{Verb.RELOAD_CONTAINER}:{name}", f"{Verb.REMOVE_CONTAINER}:{name}"):
                    self._after(done, f"{Verb.STOP_CONTAINER}:{subject}")
                    self._after(done, f"{Verb.REMOVE_CONTAINER}:{subject}")
                    for network in sorted(shared):
                        self._after(done, f"{Verb.DISCONNECT_NETWORK}:{name}:{network}")

    def _after(self, first: str, then: str) -> None:
        """Let one step wait for another, unless that waits for it already."""
        if {first, then} <= self.steps.keys() and then not in self._all_needs(first):
            self.steps[then] = replace(self.steps[then], needs=self.steps[then].needs | {first})

    def _all_needs(self, step_id: str) -> set[str]:
        """The step, and all that has to be done before it."""
        found, open_ = set(), {step_id}
        while open_:
            found |= open_
            open_ = {need for it in open_ for need in self.steps[it].needs} - found
        return found

    def service(self, service: Service) -> None:
        """Every container of a service, the missing first; each is replaced when those before it serve."""
        numbers = range(1, service.replicas + 1)
        admitted: list[str] = []
        for number in sorted(numbers, key=lambda it: self._instance(service.name, it) is not None):
            self._one(service, number, admitted)

    def _one(self, service: Service, number: int, admitted: list[str]) -> None:
        """Keep, change, start or recreate one container; `admitted` are steps after which others serve."""
        container = self._instance(service.name, number)
        subject, of = instance_name(service.name, number), (service.name, number)
        starts = [f"{Verb.CREATE_CONTAINER}:{name}" for name in service.depends_on]
        if service.ports:
            # Whatever goes may still hold a port that this one publishes.
            starts += [it for it in self.steps if it.startswith(Verb.REMOVE_CONTAINER)]
        cause = "missing"
        before = [f"{Verb.REMOVE_CONTAINER}:{service.name_of(number)}"]
        if container is not None:
            removed = f"{Verb.REMOVE_CONTAINER}:{subject_of(container, self.observation)}"
            replaced = self.replaced.get(container.id)
            if replaced is None and removed not in self.steps:
                self._keep(service, container, starts)
                return
            cause = "its network changes" if removed in self.steps else replaced or cause
            before.append(self._remove(container, cause, needs=admitted))
        if service.reload and self._others_stay(service, number):
            # Others of it read the new content at once, and whom that names should be there.
            before += _started(service)
        filled = [self._fill(mount.volume, cause, before) for mount in service.volumes]
        networks = [f"{Verb.CREATE_NETWORK}:{place.network}" for place in service.networks]
        needs = [*before, *filled, *networks]
        created = self.add(Verb.CREATE_CONTAINER, subject, cause, needs=needs, of=of)
        started = self.add(Verb.START_CONTAINER, subject, cause, needs=[created, *starts], of=of)
        if service.replicas > 1 and service.admitted_on:
            admitted.append(self._admit(service, number, cause, started))

    def _others_stay(self, service: Service, number: int) -> bool:
        """Whether another container of the service runs on."""
        return any(
            self._is_kept(container, service) and container.number != number
            for container in self.observation.containers
            if container.service == service.name
        )

    def _admit(self, service: Service, number: int, cause: str, started: str) -> str:
        return self.add(
            Verb.ADMIT_CONTAINER,
            instance_name(service.name, number),
            cause,
            needs=[started],
            network=service.admitted_on,
            of=(service.name, number),
        )

    def _keep(self, service: Service, container: ObservedContainer, starts: list[str]) -> None:
        subject, of = instance_name(service.name, container.number), (service.name, container.number)
        limits = limits_drift(service, container)
        if limits is not None:
            self.add(Verb.UPDATE_CONTAINER, subject, limits, target=container.id, of=of)
        if container.state not in RUNNING:
            cause = "paused" if container.state == "paused" else "stopped"
            self.add(Verb.START_CONTAINER, subject, cause, target=container.id, needs=starts, of=of)
        if not is_live(container):
            return
        joined = self._move_networks(service, container)
        cause_to_reload = content_change(service, container, self.observation) if service.reload else None
        if cause_to_reload is not None:
            # Containers of one service share its volumes, which are filled by one at a time.
            filled = [f"{Verb.FILL_VOLUME}:{mount.volume}" for mount in service.volumes]
            others = [it.id for it in self.steps.values() if _reloads(it, service.name)]
            needs = [*joined, *filled, *others, *_started(service)]
            self.add(Verb.RELOAD_CONTAINER, subject, cause_to_reload, target=container.id, needs=needs, of=of)

    def _move_networks(self, service: Service, container: ObservedContainer) -> list[str]:
        """Leave and join as it runs; returns the steps after which it is where it should be."""
        subject, of = instance_name(service.name, container.number), (service.name, container.number)
        left = {}
        for change in networks_to_leave(service, self.stack, container, frozenset(self.outdated)):
            left[change.name] = self._leave_step(container, change.name, change.cause)
        joined = []
        for change in networks_to_join(service, self.stack, container, left, self.fresh):
            needs = [f"{Verb.CREATE_NETWORK}:{change.key}", *left.values()]
            joined.append(
                self.add(
                    Verb.CONNECT_NETWORK,
                    subject,
                    change.cause,
                    target=container.id,
                    needs=needs,
                    network=change.key,
                    of=of,
                )
            )
        return joined

    def _cause_to_recreate(self, service: Service, container: ObservedContainer) -> str | None:
        if service.name in self.forced:
            return "asked for"
        existing = {volume.name for volume in self.observation.volumes}
        for mount in service.volumes:
            if self.stack.volume(mount.volume).name not in existing:
                return f"volume {mount.volume} is missing"
        expected = {self.stack.network(place.network).name for place in service.networks}
        lasting = expected if not is_live(container) else tied_networks(service, self.stack)
        if lasting & self.fresh:
            return "its networks changed"
        if container.state == "dead":
            return "dead"
        if container.labels.get(LABEL_SPEC_DIGEST) != service.digest:
            return service_difference(service, container)
        if not is_live(container) and content_change(service, container, self.observation):
            return "its configuration or secrets changed"
        return container_drift(service, self.stack, container)

    def _fill(self, key: str, cause: str, before: list[str]) -> str:
        filled = f"{Verb.FILL_VOLUME}:{key}"
        if filled in self.steps:  # for an earlier container of the same service
            return filled
        return self.add(Verb.FILL_VOLUME, key, cause, needs=[f"{Verb.CREATE_VOLUME}:{key}", *before])

    def _remove(self, container: ObservedContainer, cause: str, needs: Iterable[str] = ()) -> str:
        """Stop and remove, once, whoever asks; drained where another of its service goes on."""
        subject = subject_of(container, self.observation)
        removed = f"{Verb.REMOVE_CONTAINER}:{subject}"
        if removed not in self.steps:
            drained = self._is_drained(container)
            for made in removal(container, subject, cause, frozenset(needs), drained=drained):
                self.steps[made.id] = made
        return removed

    def _is_drained(self, container: ObservedContainer) -> bool:
        service = next((it for it in self.stack.services if it.name == container.service), None)
        if service is None or not service.admitted_on or not is_live(container):
            return False
        running = [it for it in self.observation.containers if it.service == service.name and is_live(it)]
        return len(running) > 1 or service.replicas > 1


def _started(service: Service) -> list[str]:
    """The steps that start those that a service depends on."""
    return [f"{Verb.START_CONTAINER}:{name}" for name in service.depends_on]


def _reloads(it: Step, service: str) -> bool:
    return it.verb is Verb.RELOAD_CONTAINER and it.service == service
